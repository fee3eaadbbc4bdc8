// A dense network at work: its memory, steps and threads. The sums are worked by the kernels of an instruction set.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "activation.h"
#include "crew.h"
#include "memory.h"
#include "net.h"

namespace {

constexpr int LEAST_ROWS = 32, MOST_ROWS = 128, TILES_A_PIECE = 6, ROWS_TO_PREDICT = 96;
constexpr double WORTH_A_THREAD = 2e6;  // multiply-adds of a step, below which a second thread costs more than it gives
constexpr double WORTH_A_START = 3e7;   // the same where the thread is begun for it

template <class T> struct Engine {
    const Kernels<T>* kernels;
    Net<T> net{};
    std::vector<Layer<T>> layers;
    std::vector<Memory> kept;                       // parameters and state
    std::vector<Memory> rows_of_batch;              // values, slopes, deltas
    std::vector<T*> values, slopes, deltas;
    int result;  // the last layer's activation in predictions
    Pace pace;

    size_t weights_of(const Layer<T>& y) const {
        const size_t b = kernels->block;
        return y.to == 1 ? y.from_blocks * b : size_t(y.from_blocks) * y.to_blocks * b * b;
    }
    size_t biases_of(const Layer<T>& y) const { return size_t(y.to_blocks) * kernels->block; }
    T* keep(size_t count) {
        kept.emplace_back(count * sizeof(T));
        return kept.back().template as<T>();
    }

    Engine(const Kernels<T>* k, int count, const int32_t* sizes, const int32_t* activations, int shown,
           const double* settings, const double* dropouts)
        : kernels(k), result(shown) {
        const int b = k->block;
        for (int l = 0; l < count; l++) {
            Layer<T> y{};
            y.from = sizes[l], y.to = sizes[l + 1];
            y.from_blocks = (y.from + b - 1) / b, y.to_blocks = (y.to + b - 1) / b;
            y.activation = activations[l];
            y.setting = T(settings[l]);
            y.dropout = T(dropouts[l]);
            y.keeps_slope = y.dropout > 0 || (y.activation != SOFTMAX && !slope_from_value(y.activation, settings[l]));
            y.weights = keep(weights_of(y));
            y.biases = keep(biases_of(y));
            if (l > 0 && y.to > 1) y.turned = keep(weights_of(y));
            layers.push_back(y);
        }
        net.layers = count;
        net.layer = layers.data();
        net.update = Update{SGD, 0, 0, 0, 0, 0, 0, 0};
    }
    // A second network with the same parameters and rows of its own.
    explicit Engine(const Engine& other, int rows)
        : kernels(other.kernels), net(other.net), layers(other.layers), result(other.result) {
        net.layer = layers.data();
        net.capacity = 0;
        make_room(rows);
    }

    void make_room(int64_t rows) {
        if (rows <= net.capacity) return;
        rows_of_batch.clear(), values.clear(), slopes.clear(), deltas.clear();
        net.capacity = 0;
        auto make = [&](int blocks) {
            rows_of_batch.emplace_back(size_t(blocks) * rows * kernels->block * sizeof(T));
            return rows_of_batch.back().template as<T>();
        };
        values.push_back(make(layers[0].from_blocks)), slopes.push_back(nullptr), deltas.push_back(nullptr);
        for (auto& y : layers) {
            values.push_back(make(y.to_blocks));
            slopes.push_back(y.keeps_slope ? make(y.to_blocks) : nullptr);
            deltas.push_back(make(y.to_blocks));
        }
        net.capacity = int(rows);
        net.values = values.data(), net.slopes = slopes.data(), net.deltas = deltas.data();
    }

    void use(int rule, double rate, const double* n, double decay, int64_t count) {
        static constexpr int states[] = {0, 0, 1, 1, 1, 1, 2, 2};
        net.update = Update{rule, rate, n[0], n[1], n[2], n[3], decay, count};
        for (auto& y : layers) {
            for (int i = 0; i < states[rule]; i++) {
                if (!y.state[i]) y.state[i] = keep(weights_of(y)), y.bias_state[i] = keep(biases_of(y));
            }
            if (rule == GRADIENT && !y.gradient) y.gradient = keep(weights_of(y)), y.bias_gradient = keep(biases_of(y));
        }
    }

    // Where weight [to][from] and bias [to] stand.
    size_t place(const Layer<T>& y, int to, int from) const {
        const int b = kernels->block;
        if (y.to == 1) return from;
        return (size_t(to / b) * y.from_blocks + from / b) * b * b + size_t(from % b) * b + to % b;
    }
    T* weights_at(const Layer<T>& y, int what) const {
        return what == 0 ? y.weights : what == 3 ? y.gradient : y.state[what - 1];
    }
    T* biases_at(const Layer<T>& y, int what) const {
        return what == 0 ? y.biases : what == 3 ? y.bias_gradient : y.bias_state[what - 1];
    }
    void put(int what, int l, const T* weights, const T* biases) {
        Layer<T>& y = layers[l];
        T *w = weights_at(y, what), *b = biases_at(y, what);
        if (!w) return;
        const int block = kernels->block;
        for (int j = 0; j < y.to; j++) {
            b[j] = biases[j];
            for (int k = 0; k < y.from; k++) {
                const T x = weights[size_t(j) * y.from + k];
                w[place(y, j, k)] = x;
                if (what == 0 && y.turned)
                    y.turned[(size_t(k / block) * y.to_blocks + j / block) * block * block + size_t(j % block) * block +
                             k % block] = x;
            }
        }
    }
    void get(int what, int l, T* weights, T* biases) const {
        const Layer<T>& y = layers[l];
        const T *w = weights_at(y, what), *b = biases_at(y, what);
        for (int j = 0; j < y.to; j++) {
            biases[j] = b ? b[j] : T(0);
            for (int k = 0; k < y.from; k++) weights[size_t(j) * y.from + k] = w ? w[place(y, j, k)] : T(0);
        }
    }

    double work_of_a_row() const {
        double work = 0;
        for (auto& y : layers) work += 3.0 * y.from * y.to;
        return work;
    }

    int64_t train(const T* inputs, const T* targets, const int32_t* classes, const T* row_weights, const int64_t* order,
                  int64_t rows, int64_t size, bool mean, int64_t epochs, int64_t first, double seconds, int threads,
                  double* costs, const volatile int32_t* stop) {
        using Clock = std::chrono::steady_clock;
        const auto start = Clock::now();
        size = size < rows ? size : rows;
        make_room(size);
        const int64_t steps = (rows + size - 1) / size;
        std::vector<double> own(size);
        int all_tiles = 0;
        for (auto& y : layers) all_tiles += tiles_of(y);
        const int even = all_tiles / (8 * threads);  // so that all have some of them, and end together
        const int tiles_a_piece = (even < 1 ? 1 : even < TILES_A_PIECE ? even : TILES_A_PIECE) + all_tiles / Crew::MOST_PIECES;
        const int share = int(size / (2 * threads));  // large pieces read the weights less often
        const int rows_a_piece = (share < LEAST_ROWS ? LEAST_ROWS : share < MOST_ROWS ? share : MOST_ROWS) + int(size / Crew::MOST_PIECES);
        if (work_of_a_row() * double(size) < WORTH_A_THREAD) threads = 1;
        Batch<T> batch{inputs, targets, classes, row_weights, order, 0, 0, T(1), own.data(), nullptr, 0,
                       net.update.rule != GRADIENT};
        FlushTiny flushed;
        Crew crew(threads, [&](int kind, int piece) {
            if (kind == 0) {
                if (*stop) return;
                const int r0 = piece * rows_a_piece, r1 = r0 + rows_a_piece;
                kernels->rows(net, batch, r0, r1 < batch.count ? r1 : batch.count);
            } else {
                const int t0 = piece * tiles_a_piece, t1 = t0 + tiles_a_piece;
                kernels->tiles(net, batch, t0, t1 < all_tiles ? t1 : all_tiles);
            }
        });
        pace.begin();
        int64_t step = first;
        for (; step < epochs * steps; step++) {
            if (step > first && std::chrono::duration<double>(Clock::now() - start).count() > seconds) break;
            batch.first = step % steps * size;
            batch.count = int(rows - batch.first < size ? rows - batch.first : size);
            batch.share = mean ? T(1.0 / batch.count) : T(1);
            const int64_t next = batch.first + size;
            batch.next = order && next < rows ? order + next : nullptr;
            batch.next_count = int(rows - next < size ? rows - next : size);
            begin_update(net);
            crew.phase(0, (batch.count + rows_a_piece - 1) / rows_a_piece, pace.alone());
            if (*stop) {  // no weight has changed yet
                net.update.count--;
                break;
            }
            crew.phase(1, (all_tiles + tiles_a_piece - 1) / tiles_a_piece, pace.alone());
            if (threads > 1) pace.step();
            if (costs) {
                double sum = 0;
                for (int i = 0; i < batch.count; i++) sum += own[i];
                costs[step / steps] += sum;
            }
        }
        return step;
    }
    void predict(const T* inputs, int64_t from, int64_t to, int threads, T* results) const {
        Batch<T> rows{inputs, nullptr, nullptr, nullptr, nullptr, 0, 0, T(1), nullptr, nullptr, 0, false};
        share_out(rows, from, to, threads, [&](Engine& engine, Batch<T>& batch) {
            engine.layers.back().activation = result;
            kernels->forward(engine.net, batch, 0, batch.count);
            engine.results(batch.count, results + size_t(batch.first) * layers.back().to);
        });
    }
    void costs(const T* inputs, const T* targets, const int32_t* classes, const int64_t* order, int64_t from, int64_t to,
               int threads, double* results) const {
        Batch<T> rows{inputs, targets, classes, nullptr, order, 0, 0, T(1), nullptr, nullptr, 0, false};
        share_out(rows, from, to, threads, [&](Engine& engine, Batch<T>& batch) {
            batch.costs = results + (batch.first - from);
            kernels->costs(engine.net, batch, 0, batch.count);
        });
    }
    void row_gradients(const T* inputs, const T* targets, const int32_t* classes, int64_t from, int64_t to, int threads,
                       int64_t stride, T* results) const {
        Batch<T> rows{inputs, targets, classes, nullptr, nullptr, 0, 0, T(1), nullptr, nullptr, 0, false};
        share_out(rows, from, to, threads, [&](Engine& engine, Batch<T>& batch) {
            double costs[ROWS_TO_PREDICT];
            batch.costs = costs;
            kernels->rows(engine.net, batch, 0, batch.count);
            for (int i = 0; i < batch.count; i++)
                kernels->row_gradients(engine.net, i, results + size_t(batch.first + i - from) * stride);
        });
    }
    // Works rows `from` … `to` - 1 in pieces, each thread with room of its own. `work` is given its engine and a batch.
    template <class F> void share_out(const Batch<T>& rows, int64_t from, int64_t to, int threads, F work) const {
        const int64_t pieces = (to - from + ROWS_TO_PREDICT - 1) / ROWS_TO_PREDICT;
        if (work_of_a_row() * double(to - from) < WORTH_A_START) threads = 1;
        if (threads > pieces) threads = int(pieces);
        std::vector<Engine> own;
        own.reserve(threads);
        for (int i = 0; i < threads; i++) own.emplace_back(*this, ROWS_TO_PREDICT);
        std::atomic<int64_t> next{0};
        auto take = [&](Engine& engine) {
            FlushTiny flushed;
            Batch<T> batch = rows;
            constexpr int run = 16;  // pieces taken at a time
            for (int64_t piece; (piece = next.fetch_add(run)) < pieces;) {
                for (int64_t i = piece; i < piece + run && i < pieces; i++) {
                    batch.first = from + i * ROWS_TO_PREDICT;
                    batch.count = int(to - batch.first < ROWS_TO_PREDICT ? to - batch.first : ROWS_TO_PREDICT);
                    work(engine, batch);
                }
            }
        };
        const Helpers helpers(threads - 1, [&](int i) { take(own[i + 1]); });
        if (threads) take(own[0]);
    }
    void results(int count, T* to) const {
        const int b = kernels->block, n = layers.back().to;
        for (int i = 0; i < count; i++)
            for (int j = 0; j < n; j++)
                *to++ = net.values[net.layers][(size_t(j / b) * net.capacity + i) * b + j % b];
    }
};

}  // namespace
