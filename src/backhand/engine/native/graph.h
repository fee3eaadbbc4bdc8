// The tape: any graph of operations on single numbers, worked for several rows (or several networks) at a time, one to
// a lane. The whole of it is a list of operations on slots; a slot holds a register of numbers.
#pragma once

#include <cstdint>

enum Operation {
    SUM,        // Σ over its edges of slot x · slot y (or slot x alone), then `function`
    QUOTIENT,   // a / b
    POWER,      // a to the `number`
    LARGER, SMALLER,  // max(a, b), min(a, b); in a tie a has the slope
    LOG_SUM_EXP,      // of the slots x of its edges
    SQUARED,    // (a - b)²
    HUBER_OF    // huber_of(a, number)
};
// What is done to a sum: an activation of net.h, or one of these.
enum Function { EXP = 100, LOG, SQRT, ABS };

struct Edge {
    int32_t x, y;  // y: -1 where slot x stands alone
};
struct Step {
    int32_t operation, out, a, b;
    int32_t first, end;   // edges
    int32_t function;
    double number;        // of a power, of huber, of leaky and elu
};

// What the tape needs to know of a network. Slots: first the parameters, then the columns of the data, then constants,
// then a slot for each step, in order. The last step gives a row's own cost.
struct Graph {
    int parameters, columns, constants, steps, edges;
    const double* numbers;  // of the constants
    const Step* step;
    const Edge* edge;
    const uint8_t* needed;  // per slot: whether ∂C/∂it is needed
};

// A graph whose every parameter stands in one sum and nowhere else: z = b + Σ w·slot. Where all rows are in the lanes
// and the rule is w - η·∂C/∂w, its parameters take their step in the backward pass, as soon as they have been used.
struct Neuron {
    bool is;                   // whether the step is such a sum
    int32_t begin, data, end;  // its weights: those of columns and constants, then (from `data`) those of steps
    int32_t bias;              // its place, or -1
};
// Neighbours of one function that take the same: a small layer, worked in registers where it is at most 4 by 4.
struct Group {
    int32_t first, count;  // steps
    int32_t from;          // how many each takes; 0 where they are worked one by one
    bool data;             // whether it takes columns and constants, which need no derivative
};
struct Neurons {
    const Group* group;
    int groups;
    const Neuron* of_step;
    const int32_t *source, *parameter;  // per weight in the order of the work: the slot it meets, the parameter it is
};

// Trains `networks` networks of one graph, each with its own parameters, all on the same rows; [parameter][network].
template <class T> struct Job {
    const Graph* graph;
    const Neurons* neurons; // null where the graph is none of neurons alone
    const T* data;          // [row][column]
    int64_t rows;
    int mean;
    int rule;
    double rate, numbers[4];
    int64_t count;          // updates so far
    int64_t steps;          // how many to do
    int64_t networks;
    T *parameters, *first, *second;  // [parameter][network]; what the rule keeps
    T* costs;               // [network], the cost before the last update; may be null
    T* gradients;           // [parameter][network], instead of updating; may be null
};

template <class T> struct GraphKernels {
    const char* name;
    int lanes;
    bool (*rows)(const Job<T>&);      // one network, rows in the lanes; false where memory is short
    bool (*networks)(const Job<T>&, int64_t from, int64_t to);  // networks in the lanes
};
