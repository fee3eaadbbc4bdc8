// The tape: any graph of operations on single numbers, worked for several rows (or several networks) at a time, one to
// a lane. The whole of it is a list of operations on slots:
//
//     slots:   parameters        columns of the data   constants   a slot for each step, in order
//     holds:   1 register each   `wide` registers      1           `wide` registers
//
// With rows in the lanes a parameter is the same in every lane, and `wide` registers hold a part of the batch. With
// networks in the lanes each lane has its own parameters, and register i of a slot belongs to row i.
#pragma once

#include <cstddef>
#include <cstdint>

enum Operation {
    SUM,        // Σ over its edges of slot x · slot y (or slot x alone), then `function`
    QUOTIENT,   // a / b
    POWER,      // a to the `number`
    LARGER, SMALLER,  // max(a, b), min(a, b); in a tie a has the slope
    LOG_SUM_EXP,      // of the slots x of its edges
    SQUARED,    // (a - b)²
    HUBER_OF,   // huber_of(a, number)
    RAISED      // a to the b
};
// What is done to a sum: an activation of net.h, or one of these.
enum Function { EXP = 100, LOG, SQRT, ABS };

struct Edge {
    int32_t x, y;  // y: -1 where slot x stands alone
};
struct Step {
    int32_t operation, a, b;
    int32_t first, end;   // edges
    int32_t function;
    double number;        // of a power, of huber, of leaky and elu
};

// What the tape needs to know of a network. The last step gives a row's own cost.
struct Graph {
    int32_t parameters, columns, constants, steps, edges;
    const double* numbers;  // of the constants
    const Step* step;
    const Edge* edge;
    const uint8_t* needed;  // per slot: whether ∂C/∂it is needed
};
static inline int first_step_of(const Graph& g) { return g.parameters + g.columns + g.constants; }

// Neighbouring sums z = b + Σ w·slot of one function that take the same slots, their parameters standing nowhere else: a
// small layer, which is worked in registers where it is at most 4 by 4.
struct Group {
    int32_t first, count;   // steps
    int32_t from;           // how many slots each takes; 0 where the steps are worked one by one
    int32_t source;         // which slots, in Neurons::source
    int32_t parameter;      // where its parameters begin: of each step the weights, then the bias
    bool of_data;           // whether it takes columns of the data, which need no derivative
    bool follows;           // whether it takes what the group before gives, all of it, and nobody else does; the last
                            // group may follow as the cost (its only slot - data)²
    bool followed;          // whether the next group follows it
};
struct Neurons {
    const Group* group;
    int groups;
    const int32_t* source;
    const int32_t* place;  // per parameter: where it stands on the tape, the small layers' in the order of the work
    int in_layers;         // how many stand in small layers, the first ones
    bool chain;            // whether each group follows the one before
};

// Trains `networks` networks of one graph, each with its own parameters, all on the same rows; [parameter][network].
template <class T> struct Job {
    const Graph* graph;
    const Neurons* neurons;
    const T* data;          // [row][column]
    const int64_t* order;   // which rows, or null: all as they stand
    int64_t rows, batch;    // of an epoch, of a step
    int mean;
    int rule;
    double rate, numbers[4];
    int64_t count;          // updates so far
    int64_t first, steps;   // the number of the first step (in its epoch), how many to do
    int64_t networks;
    T *parameters, *state[2];  // [parameter][network]; what the rule keeps
    T* costs;               // [network], the cost before the last update; may be null
    T* gradients;           // [parameter][network], instead of updating; may be null
};

template <class T> struct GraphKernels {
    int lanes;
    size_t (*room)(const Job<T>&);  // bytes that one call of the others needs
    void (*rows)(const Job<T>&, void* room);                             // one network, rows in the lanes
    void (*networks)(const Job<T>&, int64_t from, int64_t to, void* room);  // networks in the lanes
    void (*predict)(const Job<T>&, const int32_t* slots, int count, T* results, void* room);  // [row][slot]
};
