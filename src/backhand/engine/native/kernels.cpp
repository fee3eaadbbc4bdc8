// The work of a step, compiled once for each instruction set (BACKHAND_SET names it). Everything but the table at the
// end is internal: see vec.h.
#include "activation.h"
#include "cost.h"
#include "net.h"
#include "product.h"
#include "update.h"

namespace {

constexpr int DEEP = 256;   // sources at a time in a product, so that their tiles stay in the cache
constexpr int LONG = 128;   // rows at a time in a gradient

template <class T> size_t stride_of(const Net<T>& net) { return size_t(net.capacity) * BLOCK<T>; }

template <class T> int64_t row_of(const Batch<T>& batch, int i) {
    return batch.order ? batch.order[batch.first + i] : batch.first + i;
}

// The rows r0 … r1 of the batch into blocks.
template <class T> void gather(Net<T>& net, const Batch<T>& batch, int r0, int r1) {
    constexpr int B = BLOCK<T>, L = LANES<T>;
    const int from = net.layer[0].from;
    const size_t stride = stride_of(net);
    for (int i = r0; i < r1; i++) {
        const T* x = batch.inputs + row_of(batch, i) * from;
        T* to = net.values[0] + size_t(i) * B;
        int k = 0;
        for (; k + B <= from; k += B, to += stride) {
            store(to, load_anywhere(x + k));
            store(to + L, load_anywhere(x + k + L));
        }
        const int left = from - k;
        UNROLL for (int size = B / 2, c = 0; size; size /= 2) {  // copies of constant size are a load and a store
            if (left & size) memcpy(to + c, x + k + c, size * sizeof(T)), c += size;
        }
    }
}

// a = f(z) over rows r0 … r1 of a layer whose z stand in its values; dropout, where it is on.
template <class T> void activate_rows(Net<T>& net, const Batch<T>& batch, int l, int r0, int r1) {
    constexpr int B = BLOCK<T>, L = LANES<T>;
    const Layer<T>& y = net.layer[l];
    const size_t stride = stride_of(net);
    const bool drops = batch.training && y.dropout > 0;
    if (y.activation == SOFTMAX) {
        for (int i = r0; i < r1; i++) {
            T* a = net.values[l + 1] + size_t(i) * B;
            T top = a[0], sum = 0;
            auto at = [&](int j) { return size_t(j / B) * stride + j % B; };
            for (int j = 1; j < y.to; j++) top = a[at(j)] > top ? a[at(j)] : top;
            for (int j = 0; j < y.to; j += L) store(a + at(j), exp_of<T>(load(a + at(j)) - top));
            for (int j = 0; j < y.to; j++) sum += a[at(j)];
            for (int j = 0; j < y.to; j += L) store(a + at(j), load(a + at(j)) / sum);
        }
        return;
    }
    const bool done = y.activation == LINEAR || (y.activation == RELU && y.to > 1);  // with the product
    if (done && !y.keeps_slope) return;
    for (int p = 0; p < y.to_blocks; p++) {
        const int vecs = y.to - p * B > L ? 2 : 1;
        for (int i = r0; i < r1; i++)
            for (int v = 0; v < vecs; v++) {
                T* a = net.values[l + 1] + p * stride + size_t(i) * B + v * L;
                T* kept_slope = y.keeps_slope ? net.slopes[l + 1] + (a - net.values[l + 1]) : nullptr;
                Vec<T> slope{}, value = activate<T>(y.activation, y.setting, load(a), slope);
                if (kept_slope && slope_from_value(y.activation, double(y.setting))) {
                    slope = slope_of_value<T>(y.activation, y.setting, value);
                }
                if (drops) {
                    for (int u = 0; u < L; u++) {
                        const T k = kept<T>(net.dropout_seed, uint64_t(net.update.count), l, uint64_t(row_of(batch, i)),
                                            p * B + v * L + u, y.dropout);
                        value[u] *= k;
                        slope[u] *= k;
                    }
                }
                store(a, value);
                if (kept_slope) store(kept_slope, slope);
            }
    }
}

// One layer forward for rows r0 … r1.
template <class T> void forward_layer(Net<T>& net, const Batch<T>& batch, int l, int r0, int r1) {
    constexpr int B = BLOCK<T>, L = LANES<T>;
    const Layer<T>& y = net.layer[l];
    const size_t stride = stride_of(net);
    const T* in = net.values[l];
    T* out = net.values[l + 1];
    if (y.to == 1) {
        for (int i = r0; i < r1; i++) {
            Vec<T> s0{}, s1{};
            for (int q = 0; q < y.from_blocks; q++) {  // in the empty part of the last block the weights are 0
                const T *a = in + q * stride + size_t(i) * B, *w = y.weights + q * B;
                s0 = load(a) * load(w) + s0;
                s1 = load(a + L) * load(w + L) + s1;
            }
            out[size_t(i) * B] = sum_of<T>(s0 + s1) + y.biases[0];
        }
    } else {
        constexpr int deep = DEEP / B;
        for (int q0 = 0; q0 < y.from_blocks; q0 += deep) {
            const int q1 = q0 + deep < y.from_blocks ? q0 + deep : y.from_blocks;
            for (int p = 0; p < y.to_blocks; p++) {
                const int vecs = y.to - p * B > L ? 2 : 1;
                Product<T> tile{nullptr, stride, y.weights + size_t(p) * y.from_blocks * B * B, q0, q1, y.from_blocks,
                                y.from - (y.from_blocks - 1) * B, y.biases + p * B,
                                y.activation == RELU ? CUT : AS_IT_IS, nullptr, nullptr};
                for (int i = r0, height; i < r1; i += height) {
                    height = tile_height(r1 - i);
                    tile.left = in + size_t(i) * B;
                    tile.result = out + p * stride + size_t(i) * B;
                    BY_HEIGHT(height, vecs, product_tile, tile);
                }
            }
        }
    }
    activate_rows(net, batch, l, r0, r1);
}

// δ of layer l's values, from those of the layer behind it: (Wᵀδ) ⊙ f'(z).
template <class T> void delta_layer(Net<T>& net, int l, int r0, int r1) {
    constexpr int B = BLOCK<T>, L = LANES<T>;
    const Layer<T>&next = net.layer[l], &here = net.layer[l - 1];
    const size_t stride = stride_of(net);
    const T *in = net.deltas[l + 1], *a = net.values[l], *slope = here.keeps_slope ? net.slopes[l] : nullptr;
    T* out = net.deltas[l];
    auto through = [&](size_t at) {
        Vec<T> f = slope ? load(slope + at) : slope_of_value<T>(here.activation, here.setting, load(a + at));
        store(out + at, load(out + at) * f);
    };
    const bool plain = !slope && here.activation == LINEAR;
    const Finish finish = slope ? SCALE : here.activation == RELU ? MASK : AS_IT_IS;
    const bool later = !plain && finish == AS_IT_IS;
    if (next.to == 1) {
        for (int q = 0; q < next.from_blocks; q++) {
            const Vec<T> w0 = load(next.weights + q * B), w1 = load(next.weights + q * B + L);
            for (int i = r0; i < r1; i++) {
                const size_t at = q * stride + size_t(i) * B;
                const T d = in[size_t(i) * B];
                if (finish == MASK) {
                    store(out + at, finished<T>(MASK, w0 * d, a + at));
                    store(out + at + L, finished<T>(MASK, w1 * d, a + at + L));
                    continue;
                }
                store(out + at, w0 * d);
                store(out + at + L, w1 * d);
                if (!plain) through(at), through(at + L);
            }
        }
        return;
    }
    constexpr int deep = DEEP / B;
    for (int p0 = 0; p0 < next.to_blocks; p0 += deep) {
        const int p1 = p0 + deep < next.to_blocks ? p0 + deep : next.to_blocks;
        for (int q = 0; q < next.from_blocks; q++) {
            const int vecs = next.from - q * B > L ? 2 : 1;
            Product<T> tile{nullptr, stride, next.turned + size_t(q) * next.to_blocks * B * B, p0, p1, next.to_blocks,
                            next.to - (next.to_blocks - 1) * B, nullptr, finish, nullptr, nullptr};
            for (int i = r0, height; i < r1; i += height) {
                height = tile_height(r1 - i);
                const size_t at = q * stride + size_t(i) * B;
                tile.left = in + size_t(i) * B;
                tile.beside = (slope ? slope : a) + at;
                tile.result = out + at;
                BY_HEIGHT(height, vecs, product_tile, tile);
                if (p1 == next.to_blocks && later) {
                    for (int k = 0; k < height * B; k += vecs == 2 ? L : B) through(at + k);
                }
            }
        }
    }
}

template <class T> void forward(Net<T>& net, const Batch<T>& batch, int r0, int r1) {
    gather(net, batch, r0, r1);
    for (int l = 0; l < net.layers; l++) forward_layer(net, batch, l, r0, r1);
}

// Rows r0 … r1: forward feed, cost, and the deltas of the output layer.
template <class T> void costs(Net<T>& net, const Batch<T>& batch, int r0, int r1) {
    forward(net, batch, r0, r1);
    const int last = net.layers;
    const T* slopes = net.layer[last - 1].keeps_slope ? net.slopes[last] : nullptr;
    cost_rows(net, batch, r0, r1, net.values[last], slopes, net.deltas[last], stride_of(net));
}

// The same, and the deltas of all layers.
template <class T> void rows(Net<T>& net, const Batch<T>& batch, int r0, int r1) {
    costs(net, batch, r0, r1);
    for (int l = net.layers - 1; l > 0; l--) delta_layer(net, l, r0, r1);
}

// The gradient and update of tile t of layer l, and of a block of biases where the first source's tile stands.
template <class T> void tile(Net<T>& net, const Batch<T>& batch, int l, int t) {
    constexpr int B = BLOCK<T>, L = LANES<T>;
    Layer<T>& y = net.layer[l];
    const size_t stride = stride_of(net);
    const T *a = net.values[l], *d = net.deltas[l + 1];
    const T decay = T(net.update.decay);
    alignas(64) T gradient[B * B];
    auto pass = [&](T* w, T* state[2], T* kept, size_t at, const T* g, int count, T shrink) {
        update_with<T>(net, shrink, w + at, g, state[0] ? state[0] + at : nullptr, state[1] ? state[1] + at : nullptr,
                       kept ? kept + at : nullptr, count);
    };
    if (y.to == 1) {
        const int last = y.from - (y.from_blocks - 1) * B;
        for (int q = 0; q < y.from_blocks; q++) {
            Vec<T> g0{}, g1{}, h0{}, h1{};
            const T* x = a + q * stride;
            int b = 0;
            for (; b + 1 < batch.count; b += 2) {
                const T d0 = d[size_t(b) * B], d1 = d[size_t(b) * B + B];
                g0 = load(x + b * B) * d0 + g0;
                g1 = load(x + b * B + L) * d0 + g1;
                h0 = load(x + b * B + B) * d1 + h0;
                h1 = load(x + b * B + B + L) * d1 + h1;
            }
            if (b < batch.count) {
                g0 = load(x + b * B) * d[size_t(b) * B] + g0;
                g1 = load(x + b * B + L) * d[size_t(b) * B] + g1;
            }
            store(gradient, g0 + h0);
            store(gradient + L, g1 + h1);
            if (q == y.from_blocks - 1) for (int c = last; c < B; c++) gradient[c] = 0;
            pass(y.weights, y.state, y.gradient, size_t(q) * B, gradient, B, decay);
        }
        T sum = 0;
        for (int b = 0; b < batch.count; b++) sum += d[size_t(b) * B];
        for (int c = 0; c < B; c++) gradient[c] = c ? T(0) : sum;
        pass(y.biases, y.bias_state, y.bias_gradient, 0, gradient, B, T(0));
        return;
    }
    const int p = t / y.from_blocks, q = t % y.from_blocks;
    const int vecs = y.to - p * B > L ? 2 : 1, height = y.from - q * B < B ? y.from - q * B : B;
    const T *values = a + q * stride, *deltas = d + p * stride;
    if (q == 0) {
        Vec<T> s0{}, s1{};
        for (int b = 0; b < batch.count; b++) {
            s0 += load(deltas + size_t(b) * B);
            if (vecs == 2) s1 += load(deltas + size_t(b) * B + L);
        }
        store(gradient, s0);
        store(gradient + L, s1);
        pass(y.biases, y.bias_state, y.bias_gradient, size_t(p) * B, gradient, B, T(0));
    }
    const size_t at = size_t(t) * B * B;
    for (int b = 0; b < batch.count; b += LONG) {
        const int count = batch.count - b < LONG ? batch.count - b : LONG;
        for (int c = 0, high; c < height; c += high) {
            high = tile_height(height - c);
            BY_HEIGHT(high, vecs, gradient_tile, values + size_t(b) * B + c, deltas + size_t(b) * B, count,
                      gradient + c * B, b == 0);
            if (b + count < batch.count) continue;
            if (vecs == 2) {  // at once, so that its roots and divisions run beside the next rows' products
                pass(y.weights, y.state, y.gradient, at + c * B, gradient + c * B, high * B, decay);
                continue;
            }
            for (int i = c; i < c + high; i++) pass(y.weights, y.state, y.gradient, at + i * B, gradient + i * B, L, decay);
        }
    }
    if (y.turned && net.update.rule != GRADIENT) {
        T* turned = y.turned + (size_t(q) * y.to_blocks + p) * B * B;
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < vecs; j++) turn(y.weights + at + i * L * B + j * L, B, turned + j * L * B + i * L, B);
    }
}

// The lines of the cache `first` … `end` of the next batch, each row having so many, are asked for.
template <class T> void fetch_ahead(const Batch<T>& batch, int from, int64_t first, int64_t end, int64_t lines) {
    if (lines == 1) {  // small rows go to the nearest cache
        for (int64_t i = first; i < end; i++) __builtin_prefetch(batch.inputs + batch.next[i] * from, 0, 3);
        return;
    }
    for (int64_t line = first; line < end; line++) {
        const char* row = reinterpret_cast<const char*>(batch.inputs + batch.next[line / lines] * from);
        __builtin_prefetch(row + (line % lines) * 64, 0, 2);
    }
}

template <class T> void tiles(Net<T>& net, const Batch<T>& batch, int t0, int t1) {
    int first = 0, all_tiles = 0;
    for (int l = 0; l < net.layers; l++) all_tiles += tiles_of(net.layer[l]);
    const int from = net.layer[0].from;
    const int64_t lines = (int64_t(from) * int(sizeof(T)) + 63) / 64, ahead = batch.next ? batch.next_count * lines : 0;
    for (int l = 0; l < net.layers; l++) {
        const int here = tiles_of(net.layer[l]);
        for (int t = t0 > first ? t0 : first; t < t1 && t < first + here; t++) {
            if (ahead) fetch_ahead(batch, from, ahead * t / all_tiles, ahead * (t + 1) / all_tiles, lines);
            tile(net, batch, l, t - first);
        }
        first += here;
    }
}

// Numbers that nobody reads soon go past the cache where they stand on a register's boundary.
template <class T> INLINE void store_far(T* to, Vec<T> v) {
#if defined(__AVX512F__)
    if ((reinterpret_cast<uintptr_t>(to) & 63) == 0) {
        if constexpr (sizeof(T) == 4) _mm512_stream_ps((float*)to, (__m512)v);
        if constexpr (sizeof(T) == 8) _mm512_stream_pd((double*)to, (__m512d)v);
        return;
    }
#elif defined(__AVX2__)
    if ((reinterpret_cast<uintptr_t>(to) & 31) == 0) {
        if constexpr (sizeof(T) == 4) _mm256_stream_ps((float*)to, (__m256)v);
        if constexpr (sizeof(T) == 8) _mm256_stream_pd((double*)to, (__m256d)v);
        return;
    }
#endif
    store_anywhere(to, v);
}

// ∂L/∂(every parameter) of one row of the batch: δ aᵀ of each layer, and δ.
template <class T> void row_gradients(const Net<T>& net, int row, T* to) {
    constexpr int B = BLOCK<T>, L = LANES<T>;
    const size_t stride = stride_of(net);
    for (int l = 0; l < net.layers; l++) {
        const Layer<T>& y = net.layer[l];
        const T *a = net.values[l] + size_t(row) * B, *d = net.deltas[l + 1] + size_t(row) * B;
        for (int j = 0; j < y.to; j++) {
            const T delta = d[size_t(j / B) * stride + j % B];
            for (int k = 0; k < y.from; k += B) {
                const T* from = a + size_t(k / B) * stride;
                const int left = y.from - k;
                if (left >= B) {
                    store_far<T>(to, load(from) * delta);
                    store_far<T>(to + L, load(from + L) * delta);
                    to += B;
                } else {
                    for (int c = 0; c < left; c++) *to++ = from[c] * delta;
                }
            }
        }
        for (int j = 0; j < y.to; j++) *to++ = d[size_t(j / B) * stride + j % B];
    }
}

// As many multiply-adds as the machine can do, for the measure of its limit: enough sums to hide that each takes a while.
template <class T> double multiply_adds(int64_t count) {
    constexpr int SUMS = 12;
    Vec<T> sums[SUMS], x = all<T>(T(0.999)), y = all<T>(T(0.001));
    UNROLL for (int i = 0; i < SUMS; i++) sums[i] = all<T>(T(i));
    for (int64_t n = 0; n < count; n += SUMS) {
        UNROLL for (int i = 0; i < SUMS; i++) sums[i] = sums[i] * x + y;
        __asm__ volatile("");  // so that the loop stays
    }
    Vec<T> whole{};
    UNROLL for (int i = 0; i < SUMS; i++) whole += sums[i];
    return whole[0] == T(-1) ? 0 : LANES<T>;
}

}  // namespace

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
extern const Kernels<float> JOIN(kernels_float_, BACKHAND_SET);
extern const Kernels<double> JOIN(kernels_double_, BACKHAND_SET);
const Kernels<float> JOIN(kernels_float_, BACKHAND_SET) = {
    BLOCK<float>, multiply_adds<float>, rows<float>, tiles<float>, forward<float>, costs<float>, row_gradients<float>};
const Kernels<double> JOIN(kernels_double_, BACKHAND_SET) = {
    BLOCK<double>, multiply_adds<double>, rows<double>, tiles<double>, forward<double>, costs<double>, row_gradients<double>};
