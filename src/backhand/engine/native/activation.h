// The activations: a = f(z) in place, f'(z), and the deltas through them. Formulas and conventions at 0 as in
// ops/functions.py, which is what the tests compare them with.
#pragma once

#include "functions.h"
#include "net.h"

namespace {

// Whether f'(z) can be told from a = f(z) as exactly as from z.
INLINE bool slope_from_value(int activation, double setting) {
    switch (activation) {
        case LINEAR: case SIGMOID: case TANH: case RELU: case STEP: return true;
        case LEAKY: return setting >= 0;
        default: return false;
    }
}

template <class T> INLINE Vec<T> slope_of_value(int activation, T setting, Vec<T> a) {
    Vec<T> one = all<T>(1), none{};
    switch (activation) {
        case SIGMOID: return a * (T(1) - a);
        case TANH: return T(1) - a * a;
        case RELU: return a > T(0) ? one : none;
        case LEAKY: return a > T(0) ? one : none + setting;
        case STEP: return none;
        default: return one;
    }
}

// f(z), and f'(z) into `slope` where it is kept.
template <class T> INLINE Vec<T> activate(int activation, T setting, Vec<T> z, Vec<T>& slope) {
    constexpr T scale = T(1.0507009873554805), alpha = T(1.6732632423543772), flat = T(0.3989422804014326779);
    Vec<T> none{}, one = all<T>(1);
    switch (activation) {
        case SIGMOID: return sigmoid_of<T>(z);
        case TANH: return tanh_of<T>(z);
        case RELU: return none > z ? none : z;
        case LEAKY: slope = z > T(0) ? one : none + setting; return z > T(0) ? z : z * setting;
        case ELU: case SELU: {
            Vec<T> below = smaller<T>(none, z), e = exp_of<T>(below), m = expm1_of<T>(below);
            T outer = activation == SELU ? scale : T(1), inner = activation == SELU ? alpha : setting;
            slope = outer * (z > T(0) ? one : inner * e);
            return outer * (z > T(0) ? z : inner * m);
        }
        case GELU: {
            Vec<T> phi = normal_cdf_of<T>(z);
            slope = phi + z * exp_of<T>(z * z * T(-0.5)) * flat;
            return z * phi;
        }
        case SILU: {
            Vec<T> s = sigmoid_of<T>(z);
            slope = s * (z * (T(1) - s) + T(1));
            return z * s;
        }
        case SOFTPLUS: slope = sigmoid_of<T>(z); return softplus_of<T>(z);
        case STEP: return z > T(0) ? one : none;
        default: return z;
    }
}

// A number for row, layer and unit that is the same however rows are shared out: splitmix64 (Steele, Lea & Flood 2014).
INLINE uint64_t mixed(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}
// 1/(1 - p) where a value stays, 0 where it is dropped.
template <class T> INLINE T kept(uint64_t seed, uint64_t step, int layer, uint64_t row, int unit, T dropout) {
    uint64_t x = mixed(seed ^ mixed(step ^ mixed(uint64_t(layer) << 32 ^ uint64_t(unit) ^ mixed(row))));
    return double(x >> 11) * 0x1p-53 < double(dropout) ? T(0) : T(1) / (T(1) - dropout);
}

}  // namespace
