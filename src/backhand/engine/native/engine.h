/* The plain C interface of the engine: all that Python sees of it. Matrices are rows after one another; a layer's
   weights are [to][from], as in W @ x + b. Every pointer is the caller's and is only read or written during the call. */
#pragma once

#include <stdint.h>

#if defined(_WIN32)
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct backhand_net backhand_net;

/* Raised with every change of what stands below. */
PUBLIC int backhand_interface(void);

/* The instruction sets that this machine can run, the best first, with a space between them. */
PUBLIC const char* backhand_sets(void);

/* Multiply-adds a second that `threads` cores can do and nothing else, counted as two operations; 0 where `set` is not
   at hand. Takes about a tenth of a second. */
PUBLIC double backhand_limit(int bytes, const char* set, int threads);

/* A network with all its numbers 0; null where memory is short or `set` is not at hand.
   bytes: 4 for float32, 8 for float64. sizes: layers + 1 of them. result: the last layer's activation in predictions,
   where the cost is worked from its z and `activations` say linear. */
PUBLIC backhand_net* backhand_new(int bytes, const char* set, int layers, const int32_t* sizes,
                                  const int32_t* activations, int result, const double* settings,
                                  const double* dropouts, int cost, double cost_setting, double cost_factor,
                                  uint64_t dropout_seed);
PUBLIC void backhand_free(backhand_net*);

/* numbers: the rule's four, in the order of the sheet language. count: updates so far. */
PUBLIC void backhand_rule(backhand_net*, int rule, double rate, const double* numbers, double decay, int64_t count);
PUBLIC int64_t backhand_count(const backhand_net*);

/* what: 0 the parameters, 1 and 2 the rule's state, 3 the gradient. */
PUBLIC void backhand_put(backhand_net*, int what, int layer, const void* weights, const void* biases);
PUBLIC void backhand_get(const backhand_net*, int what, int layer, void* weights, void* biases);

/* Trains for `epochs` epochs of ceil(rows/batch) steps, from step `first` of all of them on, until they are over or so
   many seconds have passed. Gives the step to go on with; costs[epoch] grows by each row's own cost at its step's
   weights. Either targets or classes; row_weights and order may be null. mean: whether the cost is a mean over the rows
   of a batch. stop: what the caller may set to 1 meanwhile; a step that has only begun is given up then, as if it had
   not. Gives -1 where memory is short. */
PUBLIC int64_t backhand_train(backhand_net*, const void* inputs, const void* targets, const int32_t* classes,
                              const void* row_weights, const int64_t* order, int64_t rows, int64_t batch, int mean,
                              int64_t epochs, int64_t first, double seconds, int threads, double* costs,
                              const volatile int32_t* stop);

/* The outputs of rows `from` … `to` - 1 into results[row]. Gives -1 where memory is short. */
PUBLIC int backhand_predict(const backhand_net*, const void* inputs, int64_t from, int64_t to, int threads, void* results);

/* Each row's own cost L into results[row - from], nothing dropped; `order` says which rows are meant, or is null: rows
   as they stand. Gives -1 where memory is short. */
PUBLIC int backhand_costs(const backhand_net*, const void* inputs, const void* targets, const int32_t* classes,
                          const int64_t* order, int64_t from, int64_t to, int threads, double* results);

/* Each row's own ∂L/∂(every parameter) into results[row - from], `stride` numbers apart: layer after layer the weights
   [to][from], then the biases. Gives -1 where memory is short. */
PUBLIC int backhand_row_gradients(const backhand_net*, const void* inputs, const void* targets, const int32_t* classes,
                                  int64_t from, int64_t to, int threads, int64_t stride, void* results);

/* What is done on the tape of graph.h, with one network (rows in the lanes) or with many of one graph, each with its own
   parameters (networks in the lanes). */
typedef struct backhand_work {
    const void* data;             /* [rows][columns] */
    const int64_t* order;         /* which rows an epoch takes, or null: all as they stand */
    int64_t rows, batch;          /* of an epoch, of a step */
    int32_t mean;                 /* whether the cost is a mean over the rows of a step */
    int32_t rule;
    double rate, numbers[4];      /* of the rule, in the order of the sheet language */
    int64_t count;                /* updates so far */
    int64_t first, steps;         /* the number of the first step in its epoch, how many to do */
    int64_t networks;
    void *parameters, *state[2];  /* [parameter][network]; what the rule keeps, or null */
    void* costs;                  /* [network], before the last update; or null */
    void* gradients;              /* [parameter][network], instead of updating; or null */
    int32_t threads;              /* for many networks */
    int64_t from, to;             /* which of many networks, others being left alone */
} backhand_work;
struct Graph;

/* Both give 0; -1 where memory is short, -2 where `set` is not at hand. The second works the values of some slots for
   each row of one network: results[row][slot]. */
PUBLIC int backhand_graph_train(int bytes, const char* set, const struct Graph*, const backhand_work*);
PUBLIC int backhand_graph_predict(int bytes, const char* set, const struct Graph*, const backhand_work*,
                                  const int32_t* slots, int count, void* results);

#ifdef __cplusplus
}
#endif
