// The one kernel behind forward feed, deltas and gradients: a tile of some rows by two registers of sums, held in
// registers while one number of the left factor at a time meets a row of the right one.
//
// 6×2 sums, 2 registers of the right factor and one number of the left are 15 of the 16 registers there are (AVX-512 has
// 32, and 12×2 sums). Rows that are left over go in lower tiles. Every sum runs in the same order whatever the tile, so a row's result does not
// depend on how rows are shared out.
#pragma once

#include "net.h"
#include "vec.h"

namespace {

template <class T> constexpr int BLOCK = 2 * LANES<T>;

// sums[r][v] += Σ left[r][c]·right[c][v] for c < count.
template <class T, int ROWS, int VECS>
INLINE void multiply_add(const T* left, const T* right, int count, Vec<T> (&sums)[ROWS][VECS]) {
    _Pragma("GCC unroll 4") for (int c = 0; c < count; c++) {
        Vec<T> r0 = load(right + c * BLOCK<T>), r1{};
        if constexpr (VECS > 1) r1 = load(right + c * BLOCK<T> + LANES<T>);
        UNROLL for (int r = 0; r < ROWS; r++) {
            T x = left[r * BLOCK<T> + c];
            sums[r][0] = r0 * x + sums[r][0];
            if constexpr (VECS > 1) sums[r][1] = r1 * x + sums[r][1];
        }
    }
}

// The same over the blocks q0 … q1 of the left factor, each but the last with a constant count, which unrolls.
template <class T, int ROWS, int VECS>
INLINE void multiply_add_blocks(const T* left, size_t stride, const T* right, int q0, int q1, int blocks, int last,
                                Vec<T> (&sums)[ROWS][VECS]) {
    for (int q = q0; q < q1; q++) {
        const T *a = left + q * stride, *w = right + size_t(q) * BLOCK<T> * BLOCK<T>;
        if (q < blocks - 1 || last == BLOCK<T>) {
            multiply_add<T, ROWS, VECS>(a, w, BLOCK<T>, sums);
        } else {
            multiply_add<T, ROWS, VECS>(a, w, last, sums);
        }
    }
}

template <class T, int ROWS, int VECS> INLINE void take(const T* from, Vec<T> (&sums)[ROWS][VECS]) {
    UNROLL for (int r = 0; r < ROWS; r++) {
        sums[r][0] = load(from + r * BLOCK<T>);
        if constexpr (VECS > 1) sums[r][1] = load(from + r * BLOCK<T> + LANES<T>);
    }
}
template <class T, int ROWS, int VECS> INLINE void give(T* to, const Vec<T> (&sums)[ROWS][VECS]) {
    UNROLL for (int r = 0; r < ROWS; r++) {
        store(to + r * BLOCK<T>, sums[r][0]);
        if constexpr (VECS > 1) store(to + r * BLOCK<T> + LANES<T>, sums[r][1]);
    }
}

// What is done to the sums of a tile before they leave the registers, when the last blocks are in.
enum Finish {
    AS_IT_IS,
    CUT,    // relu: 0 where it is not above 0
    MASK,   // δ through relu: 0 where `beside` (the values) is not above 0
    SCALE   // δ through any other: times `beside` (the slopes)
};

// One tile of z = W a + b, or of Wᵀδ. `start` holds what the sums begin with, the same for each row (the biases), or
// nothing; behind the first blocks they go on where they stood.
template <class T> struct Product {
    const T* left;    // row 0 of the tile in block 0
    size_t stride;    // from block to block of the left factor
    const T* right;   // the tiles of one block of the result
    int q0, q1, blocks, last;
    const T* start;
    Finish finish;
    const T* beside;
    T* result;
};
template <class T> INLINE Vec<T> finished(Finish finish, Vec<T> sum, const T* beside) {
    switch (finish) {
        case CUT: return larger<T>(Vec<T>{}, sum);
        case MASK: return load(beside) > T(0) ? sum : Vec<T>{};
        case SCALE: return sum * load(beside);
        default: return sum;
    }
}
template <class T, int ROWS, int VECS, Finish FINISH> INLINE void finish_tile(const Product<T>& p, Vec<T> (&sums)[ROWS][VECS]) {
    UNROLL for (int r = 0; r < ROWS; r++)
        UNROLL for (int v = 0; v < VECS; v++)
            sums[r][v] = finished<T>(FINISH, sums[r][v], p.beside + r * BLOCK<T> + v * LANES<T>);
}
template <class T, int ROWS, int VECS> static void product_tile(const Product<T>& p) {
    Vec<T> sums[ROWS][VECS];
    if (p.q0 > 0) {
        take<T, ROWS, VECS>(p.result, sums);
    } else {
        UNROLL for (int r = 0; r < ROWS; r++) {
            sums[r][0] = p.start ? load(p.start) : Vec<T>{};
            if constexpr (VECS > 1) sums[r][1] = p.start ? load(p.start + LANES<T>) : Vec<T>{};
        }
    }
    multiply_add_blocks<T, ROWS, VECS>(p.left, p.stride, p.right, p.q0, p.q1, p.blocks, p.last, sums);
    if (p.q1 == p.blocks) {
        switch (p.finish) {
            case CUT: finish_tile<T, ROWS, VECS, CUT>(p, sums); break;
            case MASK: finish_tile<T, ROWS, VECS, MASK>(p, sums); break;
            case SCALE: finish_tile<T, ROWS, VECS, SCALE>(p, sums); break;
            default: break;
        }
    }
    give<T, ROWS, VECS>(p.result, sums);
}

// ROWS rows of one tile of the gradient δ aᵀ: gradient[c][u] = Σ over the batch of a[c]·δ[u].
template <class T, int ROWS, int VECS>
static void gradient_tile(const T* values, const T* deltas, int count, T* gradient, bool first) {
    Vec<T> sums[ROWS][VECS];
    if (first) {
        UNROLL for (int r = 0; r < ROWS; r++) UNROLL for (int v = 0; v < VECS; v++) sums[r][v] = Vec<T>{};
    } else {
        take<T, ROWS, VECS>(gradient, sums);
    }
    _Pragma("GCC unroll 2") for (int b = 0; b < count; b++) {
        Vec<T> d0 = load(deltas + b * BLOCK<T>), d1{};
        if constexpr (VECS > 1) d1 = load(deltas + b * BLOCK<T> + LANES<T>);
        UNROLL for (int r = 0; r < ROWS; r++) {
            T x = values[b * BLOCK<T> + r];
            sums[r][0] = d0 * x + sums[r][0];
            if constexpr (VECS > 1) sums[r][1] = d1 * x + sums[r][1];
        }
    }
    give<T, ROWS, VECS>(gradient, sums);
}

// How many rows the next tile takes of those left: with 16 registers 16 go as 6 + 6 + 4 and 8 as 4 + 4, with the 32 of
// AVX-512 32 go as 12 + 12 + 8.
constexpr int TALLEST = REGISTER == 64 ? 12 : 6;
INLINE int tile_height(int left) {
    if constexpr (TALLEST == 12) return left >= 20 || left == 12 ? 12 : left > 12 ? (left + 1) / 2 : left;
    if (left >= 10) return 6;
    return left == 9 ? 5 : left >= 7 ? 4 : left;
}

#define AT_HEIGHT(h, vecs, name, ...) \
    case h: name<T, (h <= TALLEST ? h : 1), vecs>(__VA_ARGS__); break;
#define BY_HEIGHT_OF(height, vecs, name, ...)                                                                  \
    switch (height) {                                                                                          \
        AT_HEIGHT(12, vecs, name, __VA_ARGS__) AT_HEIGHT(11, vecs, name, __VA_ARGS__)                          \
        AT_HEIGHT(10, vecs, name, __VA_ARGS__) AT_HEIGHT(9, vecs, name, __VA_ARGS__)                           \
        AT_HEIGHT(8, vecs, name, __VA_ARGS__) AT_HEIGHT(7, vecs, name, __VA_ARGS__)                            \
        AT_HEIGHT(6, vecs, name, __VA_ARGS__) AT_HEIGHT(5, vecs, name, __VA_ARGS__)                            \
        AT_HEIGHT(4, vecs, name, __VA_ARGS__) AT_HEIGHT(3, vecs, name, __VA_ARGS__)                            \
        AT_HEIGHT(2, vecs, name, __VA_ARGS__) AT_HEIGHT(1, vecs, name, __VA_ARGS__)                            \
    }
#define BY_HEIGHT(height, vecs, name, ...)                        \
    do {                                                          \
        if ((vecs) == 2) {                                        \
            BY_HEIGHT_OF(height, 2, name, __VA_ARGS__)            \
        } else {                                                  \
            BY_HEIGHT_OF(height, 1, name, __VA_ARGS__)            \
        }                                                         \
    } while (0)

}  // namespace
