// The small vector type behind which the instruction sets stand.
//
// `Vec<T>` holds as many numbers of type T as a register of the set that this file is compiled for: 16 bytes in the
// baseline (SSE2, NEON), 32 with AVX2, 64 with AVX-512. It is the compilers' own vector type, so + - * / and comparisons
// are written as for numbers, a number beside a vector stands for one in each lane, and a*b + c becomes one multiply-add
// where the machine has it (-ffp-contract=fast). Everything here is internal to one translation unit: two instruction sets live
// in one library, and the linker must never take a function of one for the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define INLINE static inline __attribute__((always_inline))
#define INLINE_MEMBER inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

namespace {

#if defined(__AVX512F__)
constexpr int REGISTER = 64;
#elif defined(__AVX2__) && !defined(BACKHAND_NARROW)
constexpr int REGISTER = 32;
#else
constexpr int REGISTER = 16;
#endif

template <class T> struct Lanes;
template <> struct Lanes<float> {
    typedef float V __attribute__((vector_size(REGISTER)));
    typedef int32_t Whole __attribute__((vector_size(REGISTER)));
    typedef int32_t Integer;
};
template <> struct Lanes<double> {
    typedef double V __attribute__((vector_size(REGISTER)));
    typedef int64_t Whole __attribute__((vector_size(REGISTER)));
    typedef int64_t Integer;
};
template <class T> using Vec = typename Lanes<T>::V;
template <class T> using Whole = typename Lanes<T>::Whole;  // integers of the same width; -1 and 0 from comparisons
template <class T> using Integer = typename Lanes<T>::Integer;
template <class T> constexpr int LANES = REGISTER / int(sizeof(T));

template <class T> INLINE Vec<T> load(const T* from) { return *reinterpret_cast<const Vec<T>*>(from); }
template <class T> INLINE void store(T* to, Vec<T> v) { *reinterpret_cast<Vec<T>*>(to) = v; }
template <class T> INLINE Vec<T> load_anywhere(const T* from) {
    Vec<T> v;
    memcpy(&v, from, sizeof v);
    return v;
}
template <class T> INLINE void store_anywhere(T* to, Vec<T> v) { memcpy(to, &v, sizeof v); }
template <class T> INLINE Vec<T> all(T x) { return Vec<T>{} + x; }
template <class T> INLINE Vec<T> select(Whole<T> where, Vec<T> yes, Vec<T> no) {
    return (Vec<T>)((where & (Whole<T>)yes) | (~where & (Whole<T>)no));
}
template <class T> INLINE Vec<T> larger(Vec<T> a, Vec<T> b) { return a > b ? a : b; }
template <class T> INLINE Vec<T> smaller(Vec<T> a, Vec<T> b) { return a < b ? a : b; }
template <class T> INLINE Vec<T> size_of(Vec<T> v) { return larger<T>(-v, v); }
template <class T> INLINE T sum_of(Vec<T> v) {  // halves onto halves, always in this order
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return _mm512_reduce_add_ps((__m512)v);
#elif defined(__AVX2__) && !defined(BACKHAND_NARROW)
    if constexpr (sizeof(T) == 4) {
        __m128 s = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
        s = _mm_add_ps(s, _mm_movehl_ps(s, s));
        return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
    }
#endif
    for (int half = LANES<T> / 2; half; half /= 2)
        for (int i = 0; i < half; i++) v[i] += v[i + half];
    return v[0];
}

template <class T> INLINE Vec<T> all_of(Vec<T> v) {  // the sum of all lanes, in each of them
#if defined(__SSE2__)
    if constexpr (sizeof(T) == 4 && REGISTER == 16) {
        __m128 s = (__m128)v;
        s = _mm_add_ps(s, _mm_shuffle_ps(s, s, _MM_SHUFFLE(2, 3, 0, 1)));
        return (Vec<T>)_mm_add_ps(s, _mm_shuffle_ps(s, s, _MM_SHUFFLE(1, 0, 3, 2)));
    }
#endif
    return all<T>(sum_of<T>(v));
}

INLINE Vec<float> root(Vec<float> v) {
#if defined(__AVX512F__)
    return (Vec<float>)_mm512_sqrt_ps((__m512)v);
#elif defined(__AVX2__) && !defined(BACKHAND_NARROW)
    return (Vec<float>)_mm256_sqrt_ps((__m256)v);
#elif defined(__SSE2__)
    return (Vec<float>)_mm_sqrt_ps((__m128)v);
#elif defined(__aarch64__)
    return (Vec<float>)vsqrtq_f32((float32x4_t)v);
#else
    for (int i = 0; i < LANES<float>; i++) v[i] = __builtin_sqrtf(v[i]);
    return v;
#endif
}
INLINE Vec<double> root(Vec<double> v) {
#if defined(__AVX512F__)
    return (Vec<double>)_mm512_sqrt_pd((__m512d)v);
#elif defined(__AVX2__) && !defined(BACKHAND_NARROW)
    return (Vec<double>)_mm256_sqrt_pd((__m256d)v);
#elif defined(__SSE2__)
    return (Vec<double>)_mm_sqrt_pd((__m128d)v);
#elif defined(__aarch64__)
    return (Vec<double>)vsqrtq_f64((float64x2_t)v);
#else
    for (int i = 0; i < LANES<double>; i++) v[i] = __builtin_sqrt(v[i]);
    return v;
#endif
}

#if defined(__AVX2__)
INLINE void turn_eight(const float* from, int from_stride, float* to, int to_stride) {
    __m256 r[8], t[8];
    for (int i = 0; i < 8; i++) r[i] = _mm256_load_ps(from + i * from_stride);
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
        r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xEE);
        r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
        r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xEE);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_store_ps(to + i * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_store_ps(to + (i + 4) * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}
#endif

// A square of LANES×LANES numbers turned: row i of `from` becomes column i of `to`.
template <class T> INLINE void turn(const T* from, int from_stride, T* to, int to_stride) {
#if defined(__AVX2__) && !defined(BACKHAND_NARROW)
    if constexpr (sizeof(T) == 4) {
        for (int i = 0; i < LANES<T>; i += 8)
            for (int j = 0; j < LANES<T>; j += 8)
                turn_eight((const float*)from + i * from_stride + j, from_stride, (float*)to + j * to_stride + i, to_stride);
        return;
    }
#endif
    for (int i = 0; i < LANES<T>; i++)
        for (int j = 0; j < LANES<T>; j++) to[j * to_stride + i] = from[i * from_stride + j];
}

}  // namespace
