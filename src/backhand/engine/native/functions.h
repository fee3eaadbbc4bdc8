// e^x, e^x - 1, log(1 + u) and what the activations need of them, a vector at a time.
#pragma once

#include <cmath>

#include "vec.h"

namespace {

// 2^n for whole n within the exponent's range.
template <class T> INLINE Vec<T> power_of_two(Vec<T> n) {
    constexpr int bits = sizeof(T) == 4 ? 23 : 52;
    constexpr T shift = sizeof(T) == 4 ? T(12582912) : T(6755399441055744);  // 1.5·2^bits: adding it rounds to a whole
    Whole<T> whole = (Whole<T>)(n + shift) - (Whole<T>)(Vec<T>{} + shift);
    return (Vec<T>)((whole + Integer<T>(sizeof(T) == 4 ? 127 : 1023)) << bits);
}

// e^x as 2^n·(1 + p): n is whole and p = e^r - 1 for the rest |r| <= log(2)/2, by its Taylor series in Horner's form.
template <class T> INLINE void parts_of_exp(Vec<T> x, Vec<T>& scale, Vec<T>& p) {
    constexpr T shift = sizeof(T) == 4 ? T(12582912) : T(6755399441055744);
    constexpr T low = sizeof(T) == 4 ? T(-87) : T(-708), high = sizeof(T) == 4 ? T(88) : T(709);
    constexpr T log2_high = sizeof(T) == 4 ? T(0.693359375) : T(6.93147180369123816490e-01);
    constexpr T log2_low = sizeof(T) == 4 ? T(-2.12194440e-4) : T(1.90821492927058770002e-10);
    x = smaller<T>(Vec<T>{} + high, larger<T>(Vec<T>{} + low, x));
    Vec<T> n = (x * T(1.44269504088896340736) + shift) - shift;
    Vec<T> r = (x - n * log2_high) - n * log2_low;
    constexpr int terms = sizeof(T) == 4 ? 8 : 14;
    constexpr double inverse[] = {1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320,
                                  1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0};
    Vec<T> q = Vec<T>{} + T(inverse[terms - 1]);
    UNROLL for (int k = terms - 2; k >= 2; k--) q = q * r + T(inverse[k]);
    p = r + r * r * q;
    scale = power_of_two<T>(n);
}

// Beyond the range of the type these stop at its ends: what is taken of them is 0, 1 or linear there.
template <class T> INLINE Vec<T> exp_of(Vec<T> x) {
    Vec<T> scale, p;
    parts_of_exp<T>(x, scale, p);
    return scale + scale * p;
}
template <class T> INLINE Vec<T> expm1_of(Vec<T> x) {
    Vec<T> scale, p;
    parts_of_exp<T>(x, scale, p);
    return scale * p + (scale - T(1));
}

// log(1 + u) for 0 <= u <= 1: 2·artanh(s) with s = u/(2 + u) <= 1/3, by its series.
template <class T> INLINE Vec<T> log1p_of(Vec<T> u) {
    constexpr int terms = sizeof(T) == 4 ? 8 : 17;
    Vec<T> s = u / (u + T(2)), square = s * s, q = Vec<T>{} + T(1.0 / (2 * terms - 1));
    UNROLL for (int k = terms - 2; k >= 0; k--) q = q * square + T(1.0 / (2 * k + 1));
    return T(2) * s * q;
}

template <class T> INLINE Vec<T> sigmoid_of(Vec<T> z) {
    Vec<T> e = exp_of<T>(-size_of<T>(z));  // never above 1
    Vec<T> below = e / (e + T(1));
    return z > T(0) ? T(1) / (e + T(1)) : below;
}
template <class T> INLINE Vec<T> tanh_of(Vec<T> z) {
    Vec<T> t = expm1_of<T>(T(-2) * size_of<T>(z)), size = -t / (t + T(2));
    return z > T(0) ? size : -size;
}
template <class T> INLINE Vec<T> softplus_of(Vec<T> z) {
    return larger<T>(Vec<T>{}, z) + log1p_of<T>(exp_of<T>(-size_of<T>(z)));
}
template <class T> INLINE Vec<T> normal_cdf_of(Vec<T> z) {  // lane by lane: the library's erfc is exact in the tails
    for (int i = 0; i < LANES<T>; i++) z[i] = T(0.5) * T(erfc(double(z[i]) * -0.70710678118654752440));
    return z;
}

}  // namespace
