// The C interface: the choice of the instruction set, and the calls.
#include "engine.h"

#include <atomic>
#include <exception>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "dense.h"
#include "graph.h"
#include "neurons.h"

extern const Kernels<float> kernels_float_baseline;
extern const Kernels<double> kernels_double_baseline;
extern const GraphKernels<float> graph_float_baseline;
extern const GraphKernels<double> graph_double_baseline;
#if defined(BACKHAND_AVX2)
extern const Kernels<float> kernels_float_avx2;
extern const Kernels<double> kernels_double_avx2;
extern const GraphKernels<float> graph_float_avx2, graph_float_avx2_narrow;
extern const GraphKernels<double> graph_double_avx2, graph_double_avx2_narrow;
extern const Kernels<float> kernels_float_avx512;
extern const Kernels<double> kernels_double_avx512;
extern const GraphKernels<float> graph_float_avx512;
extern const GraphKernels<double> graph_double_avx512;
#endif

// What every machine of the platform has. Bits differ from set to set, so each has a name of its own.
#if defined(__aarch64__)
#define BASELINE "neon"
#elif defined(__x86_64__)
#define BASELINE "sse2"
#else
#define BASELINE "plain"
#endif

namespace {

const Kernels<float>* find(const std::string& set, float) {
#if defined(BACKHAND_AVX2)
    if (set == "avx512") return &kernels_float_avx512;
    if (set == "avx2") return &kernels_float_avx2;
#endif
    return set == BASELINE ? &kernels_float_baseline : nullptr;
}
const Kernels<double>* find(const std::string& set, double) {
#if defined(BACKHAND_AVX2)
    if (set == "avx512") return &kernels_double_avx512;
    if (set == "avx2") return &kernels_double_avx2;
#endif
    return set == BASELINE ? &kernels_double_baseline : nullptr;
}

#if defined(BACKHAND_AVX2)
// For the tape. Few rows fill the lanes of narrow registers better, and are added up sooner.
template <class K> const K* few_rows_in(const std::string& set, int64_t rows, const K& widest, const K& wide, const K& narrow, const K& base) {
    if (set == "avx512" && rows > wide.lanes) return &widest;
    if (set == "avx2" || set == "avx512") return rows <= narrow.lanes ? &narrow : &wide;
    return set == BASELINE ? &base : nullptr;
}
#endif
const GraphKernels<float>* find_graph(const std::string& set, [[maybe_unused]] int64_t rows, float) {
#if defined(BACKHAND_AVX2)
    return few_rows_in(set, rows, graph_float_avx512, graph_float_avx2, graph_float_avx2_narrow, graph_float_baseline);
#else
    return set == BASELINE ? &graph_float_baseline : nullptr;
#endif
}
const GraphKernels<double>* find_graph(const std::string& set, [[maybe_unused]] int64_t rows, double) {
#if defined(BACKHAND_AVX2)
    return few_rows_in(set, rows, graph_double_avx512, graph_double_avx2, graph_double_avx2_narrow, graph_double_baseline);
#else
    return set == BASELINE ? &graph_double_baseline : nullptr;
#endif
}

}  // namespace

struct backhand_net {
    Engine<float>* single = nullptr;
    Engine<double>* full = nullptr;
    ~backhand_net() {
        delete single;
        delete full;
    }
};

namespace {
template <class F> auto with(const backhand_net* net, F work) { return net->single ? work(*net->single) : work(*net->full); }
template <class T> const T* as(const void* p, const Engine<T>&) { return static_cast<const T*>(p); }
template <class T> T* as(void* p, const Engine<T>&) { return static_cast<T*>(p); }
}  // namespace

int backhand_interface(void) { return 7; }

const char* backhand_sets(void) {
#if defined(BACKHAND_AVX2)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return "avx512 avx2 " BASELINE;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2 " BASELINE;
#endif
    return BASELINE;
}

namespace {
template <class T> double limit_of(const Kernels<T>* kernels, int threads) {
    if (!kernels) return 0;
    using Clock = std::chrono::steady_clock;
    constexpr int64_t count = 12 * 2000000;
    double best = 0;
    for (int round = 0; round < 5; round++) {
        const auto start = Clock::now();
        double lanes;
        {
            const Helpers helpers(threads - 1, [=](int) { kernels->multiply_adds(count); });
            lanes = kernels->multiply_adds(count);
        }
        const double done = 2 * lanes * double(count) * threads / std::chrono::duration<double>(Clock::now() - start).count();
        if (done > best) best = done;
    }
    return best;
}
}  // namespace

double backhand_limit(int bytes, const char* set, int threads) {
    return bytes == 4 ? limit_of(find(set, 0.0f), threads) : limit_of(find(set, 0.0), threads);
}

backhand_net* backhand_new(int bytes, const char* set, int layers, const int32_t* sizes, const int32_t* activations,
                           int result, const double* settings, const double* dropouts, int cost, double cost_setting,
                           double cost_factor, uint64_t dropout_seed) try {
    auto* made = new backhand_net;
    auto fill = [&](auto*& engine, auto zero) {
        using T = decltype(zero);
        const auto* kernels = find(set, zero);
        if (!kernels) return false;
        engine = new Engine<T>(kernels, layers, sizes, activations, result, settings, dropouts);
        engine->net.cost = cost, engine->net.cost_setting = T(cost_setting), engine->net.cost_factor = T(cost_factor);
        engine->net.dropout_seed = dropout_seed;
        return true;
    };
    const bool known = bytes == 4 ? fill(made->single, 0.0f) : fill(made->full, 0.0);
    if (known) return made;
    delete made;
    return nullptr;
} catch (const std::exception&) {
    return nullptr;
}

void backhand_free(backhand_net* net) { delete net; }

void backhand_rule(backhand_net* net, int rule, double rate, const double* numbers, double decay, int64_t count) {
    with(net, [&](auto& engine) { engine.use(rule, rate, numbers, decay, count); });
}
int64_t backhand_count(const backhand_net* net) {
    return with(net, [](auto& engine) { return engine.net.update.count; });
}
void backhand_put(backhand_net* net, int what, int layer, const void* weights, const void* biases) {
    with(net, [&](auto& engine) { engine.put(what, layer, as(weights, engine), as(biases, engine)); });
}
void backhand_get(const backhand_net* net, int what, int layer, void* weights, void* biases) {
    with(net, [&](auto& engine) { engine.get(what, layer, as(weights, engine), as(biases, engine)); });
}

int64_t backhand_train(backhand_net* net, const void* inputs, const void* targets, const int32_t* classes,
                       const void* row_weights, const int64_t* order, int64_t rows, int64_t batch, int mean,
                       int64_t epochs, int64_t first, double seconds, int threads, double* costs,
                       const volatile int32_t* stop) try {
    return with(net, [&](auto& engine) {
        return engine.train(as(inputs, engine), as(targets, engine), classes, as(row_weights, engine), order, rows, batch,
                            mean != 0, epochs, first, seconds, threads, costs, stop);
    });
} catch (const std::exception&) {
    return -1;
}

int backhand_predict(const backhand_net* net, const void* inputs, int64_t from, int64_t to, int threads, void* results) try {
    with(net, [&](auto& engine) { engine.predict(as(inputs, engine), from, to, threads, as(results, engine)); });
    return 0;
} catch (const std::exception&) {
    return -1;
}

int backhand_costs(const backhand_net* net, const void* inputs, const void* targets, const int32_t* classes,
                   const int64_t* order, int64_t from, int64_t to, int threads, double* results) try {
    with(net, [&](auto& engine) {
        engine.costs(as(inputs, engine), as(targets, engine), classes, order, from, to, threads, results);
    });
    return 0;
} catch (const std::exception&) {
    return -1;
}

int backhand_row_gradients(const backhand_net* net, const void* inputs, const void* targets, const int32_t* classes,
                           int64_t from, int64_t to, int threads, int64_t stride, void* results) try {
    with(net, [&](auto& engine) {
        engine.row_gradients(as(inputs, engine), as(targets, engine), classes, from, to, threads, stride,
                             as(results, engine));
    });
    return 0;
} catch (const std::exception&) {
    return -1;
}

namespace {

template <class T> Job<T> job_of(const Graph& graph, const Neurons& neurons, const backhand_work& w) {
    return Job<T>{&graph, &neurons, static_cast<const T*>(w.data), w.order, w.rows, w.batch < w.rows ? w.batch : w.rows,
                  w.mean, w.rule, w.rate, {w.numbers[0], w.numbers[1], w.numbers[2], w.numbers[3]}, w.count, w.first,
                  w.steps, w.networks, static_cast<T*>(w.parameters),
                  {static_cast<T*>(w.state[0]), static_cast<T*>(w.state[1])}, static_cast<T*>(w.costs),
                  static_cast<T*>(w.gradients)};
}

template <class T>
void train_many(const GraphKernels<T>& kernels, const Job<T>& job, int64_t from, int64_t to, int threads) {
    const int64_t part = int64_t(kernels.lanes) * 8, parts = (to - from + part - 1) / part;
    if (threads > parts) threads = int(parts);
    std::vector<Memory> rooms;
    for (int i = 0; i < threads; i++) rooms.emplace_back(kernels.room(job));
    std::atomic<int64_t> next{0};
    auto work = [&](int thread) {
        FlushTiny flushed;
        for (int64_t i; (i = next.fetch_add(1)) < parts;) {
            memset(rooms[thread].as<char>(), 0, kernels.room(job));
            const int64_t first = from + i * part;
            kernels.networks(job, first, first + part < to ? first + part : to, rooms[thread].as<char>());
        }
    };
    const Helpers helpers(threads - 1, [&](int i) { work(i + 1); });
    work(0);
}

// Gives `work` the kernels and the job in the type that was asked for.
template <class F> int on_tape(int bytes, const char* set, const Graph* graph, const backhand_work* given, F work) try {
    const FoundNeurons neurons(*graph);
    auto in = [&](auto zero) {
        const auto job = job_of<decltype(zero)>(*graph, neurons.found, *given);
        const auto* kernels = find_graph(set, job.networks == 1 ? job.batch : INT64_MAX, zero);
        if (!kernels) return -2;
        FlushTiny flushed;
        work(*kernels, job);
        return 0;
    };
    return bytes == 4 ? in(0.0f) : in(0.0);
} catch (const std::exception&) {
    return -1;
}

}  // namespace

int backhand_graph_train(int bytes, const char* set, const Graph* graph, const backhand_work* given) {
    return on_tape(bytes, set, graph, given, [&](const auto& kernels, const auto& job) {
        if (job.networks > 1) return train_many(kernels, job, given->from, given->to, given->threads);
        const Memory room(kernels.room(job));
        kernels.rows(job, room.template as<char>());
    });
}

int backhand_graph_predict(int bytes, const char* set, const Graph* graph, const backhand_work* given,
                           const int32_t* slots, int count, void* results) {
    return on_tape(bytes, set, graph, given, [&](const auto& kernels, const auto& job) {
        const Memory room(kernels.room(job));
        kernels.predict(job, slots, count, static_cast<decltype(job.parameters)>(results), room.template as<char>());
    });
}
