// A network as the engine holds it, and the layout of its numbers.
//
// B numbers stand side by side, two registers of them (B = 16 floats with AVX2). A layer of n units is cut into blocks
// of B units; the last may be part empty. With q the blocks that come in and p those that go out:
//
//     values, deltas of a layer          weights                          one tile of weights, B×B
//     [block of units][row][B]           [p][q][B from][B to]             (p, q), unit u of block p
//
//     block 0      block 1               p=0: tile tile tile ...               to:  u=0 1 2 ... B-1
//     row 0 |B|    row 0 |B|             p=1: tile tile tile ...       from:   0    w w w     w
//     row 1 |B|    row 1 |B|              .    q=0  q=1                        1    w w w     w
//      ...          ...                                                       B-1   w w w     w
//
// So the forward feed, the deltas and the gradient all read and write whole registers in order, and nothing is ever
// packed but the rows of a batch. `turned` holds each tile turned, for the deltas. A layer of a single unit is a plain
// vector [q][B] instead: its products are dot products.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

enum Activation { LINEAR, SIGMOID, TANH, RELU, LEAKY, ELU, SELU, GELU, SILU, SOFTPLUS, STEP, SOFTMAX };
enum Cost { SSE, MSE, MAE, HUBER, POISSON, BINARY_CROSS_ENTROPY, CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY,
            SIGMOID_CROSS_ENTROPY };
enum Rule { GRADIENT, SGD, MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM, ADAMW };

// The numbers of an update rule, as the sheet gives them; `first` to `fourth` in the order of RULES in ops/updates.py.
struct Update {
    int rule;
    double rate, first, second, third, fourth;
    double decay;  // L2: decay·w is added to the gradient of a weight
    int64_t count;  // updates so far
};

template <class T> struct Layer {
    int from, to;                   // units
    int from_blocks, to_blocks;     // ceil(units / B)
    int activation;
    T setting;                      // the a of leaky and elu
    T dropout;                      // the share of its values that is dropped
    bool keeps_slope;               // whether f'(z) is kept from the forward feed, not found from a = f(z)
    T *weights, *turned, *biases;
    T *state[2], *bias_state[2];    // what the update rule keeps, for weights and biases; m and s of Adam
    T *gradient, *bias_gradient;    // for the rule GRADIENT
};

template <class T> struct Net {
    int layers;
    Layer<T>* layer;
    int cost;
    T cost_setting;     // delta of huber
    T cost_factor;      // a constant before the cost
    int capacity;       // rows that values, slopes and deltas have room for
    T **values, **slopes, **deltas;  // per layer; values[0] is the batch
    Update update;
    uint64_t dropout_seed;
    // What one update takes, worked once a step.
    T step_a, step_c;   // Adam: η/(1 - β1^t) and 1/sqrt(1 - β2^t)
};

// One step's rows.
template <class T> struct Batch {
    const T* inputs;            // [rows][from], all rows of the data
    const T* targets;           // [rows][to], or null
    const int32_t* classes;     // [rows], or null
    const T* row_weights;       // [rows], or null: what each row counts
    const int64_t* order;       // which rows, or null: they stand in order from `first` on
    int64_t first;
    int count;
    T share;                    // 1/N where the cost is a mean over the rows, else 1
    double* costs;              // [count], each row's own cost
    const int64_t* next;        // the next batch's rows, to be fetched ahead; or null
    int next_count;
    bool training;              // whether dropout is on
};

// What an instruction set offers for a type. `rows` and `tiles` work a part of a step: rows r0 … r1 of the batch from
// gathering to deltas; the tiles t0 … t1 of all layers from gradient to update.
template <class T> struct Kernels {
    int block;
    double (*multiply_adds)(int64_t count);  // does nothing else; gives how many numbers each of them took
    void (*rows)(Net<T>&, const Batch<T>&, int r0, int r1);
    void (*tiles)(Net<T>&, const Batch<T>&, int t0, int t1);
    void (*forward)(Net<T>&, const Batch<T>&, int r0, int r1);
    void (*costs)(Net<T>&, const Batch<T>&, int r0, int r1);  // forward, and each row's own cost
    void (*row_gradients)(const Net<T>&, int row, T* to);  // of one row that `rows` has worked: [to][from], then [to]
};

// `static`, so that the linker never takes the code of one instruction set for another's.
template <class T> static inline int tiles_of(const Layer<T>& y) { return y.to == 1 ? 1 : y.from_blocks * y.to_blocks; }

// Counts an update, and works what is the same for all its weights.
template <class T> static inline void begin_update(Net<T>& net) {
    Update& u = net.update;
    u.count++;
    if (u.rule != ADAM && u.rule != ADAMW) return;
    const double beta1 = u.rule == ADAM ? u.first : u.second, beta2 = u.rule == ADAM ? u.second : u.third;
    net.step_a = T(u.rate / (1 - pow(beta1, double(u.count))));
    net.step_c = T(1 / sqrt(1 - pow(beta2, double(u.count))));
}
