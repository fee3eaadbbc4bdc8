// The engine behind its C interface: memory, the choice of the instruction set, steps and threads.
#include "engine.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "activation.h"
#include "crew.h"
#include "graph.h"
#include "net.h"

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

namespace {

const Kernels<float>* find(const std::string& set, float) {
#if defined(BACKHAND_AVX2)
    if (set == "avx512") return &kernels_float_avx512;
    if (set == "avx2") return &kernels_float_avx2;
#endif
    return set == "baseline" ? &kernels_float_baseline : nullptr;
}
const Kernels<double>* find(const std::string& set, double) {
#if defined(BACKHAND_AVX2)
    if (set == "avx512") return &kernels_double_avx512;
    if (set == "avx2") return &kernels_double_avx2;
#endif
    return set == "baseline" ? &kernels_double_baseline : nullptr;
}

// For the tape. Few rows fill the lanes of the narrow registers better, and are added up sooner.
const GraphKernels<float>* find_graph(const std::string& set, int64_t rows, float) {
#if defined(BACKHAND_AVX2)
    if (set == "avx512" && rows > graph_float_avx2.lanes) return &graph_float_avx512;
    if (set == "avx2" || set == "avx512") return rows <= graph_float_avx2_narrow.lanes ? &graph_float_avx2_narrow : &graph_float_avx2;
#endif
    return set == "baseline" ? &graph_float_baseline : nullptr;
}
const GraphKernels<double>* find_graph(const std::string& set, int64_t rows, double) {
#if defined(BACKHAND_AVX2)
    if (set == "avx512" && rows > graph_double_avx2.lanes) return &graph_double_avx512;
    if (set == "avx2" || set == "avx512") return rows <= graph_double_avx2_narrow.lanes ? &graph_double_avx2_narrow : &graph_double_avx2;
#endif
    return set == "baseline" ? &graph_double_baseline : nullptr;
}

// Aligned memory, all 0; large pieces on large pages. It frees itself.
class Memory {
    void* at_ = nullptr;

public:
    Memory() = default;
    explicit Memory(size_t bytes) {
        constexpr size_t page = size_t(2) << 20;
        const size_t unit = bytes >= page ? page : 64;
        bytes = (bytes + unit) / unit * unit;
#if defined(_WIN32)
        at_ = _aligned_malloc(bytes, unit);
#else
        if (posix_memalign(&at_, unit, bytes) != 0) at_ = nullptr;
#endif
        if (!at_) throw std::bad_alloc();
#if defined(__linux__)
        if (unit == page) madvise(at_, bytes, MADV_HUGEPAGE);
#endif
        memset(at_, 0, bytes);
    }
    Memory(Memory&& other) noexcept : at_(other.at_) { other.at_ = nullptr; }
    Memory& operator=(Memory&& other) noexcept {
        std::swap(at_, other.at_);
        return *this;
    }
    ~Memory() {
#if defined(_WIN32)
        _aligned_free(at_);
#else
        free(at_);
#endif
    }
    template <class T> T* as() const { return static_cast<T*>(at_); }
};

constexpr int ROWS_A_PIECE = 32, TILES_A_PIECE = 6, ROWS_TO_PREDICT = 96;
constexpr double WORTH_A_THREAD = 2e6;  // multiply-adds of a step, below which a second thread costs more than it gives

template <class T> struct Engine {
    const Kernels<T>* kernels;
    Net<T> net{};
    std::vector<Layer<T>> layers;
    std::vector<Memory> kept;                       // parameters and state
    std::vector<Memory> rows_of_batch;              // values, slopes, deltas
    std::vector<T*> values, slopes, deltas;

    size_t weights_of(const Layer<T>& y) const {
        const size_t b = kernels->block;
        return y.to == 1 ? y.from_blocks * b : size_t(y.from_blocks) * y.to_blocks * b * b;
    }
    size_t biases_of(const Layer<T>& y) const { return size_t(y.to_blocks) * kernels->block; }
    T* keep(size_t count) {
        kept.emplace_back(count * sizeof(T));
        return kept.back().template as<T>();
    }

    Engine(const Kernels<T>* k, int count, const int32_t* sizes, const int32_t* activations, const double* settings,
           const double* dropouts)
        : kernels(k) {
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
    explicit Engine(const Engine& other, int rows) : kernels(other.kernels), net(other.net), layers(other.layers) {
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
                  double* costs) {
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
        const int rows_a_piece = ROWS_A_PIECE + int(size / Crew::MOST_PIECES);
        if (work_of_a_row() * double(size) < WORTH_A_THREAD) threads = 1;
        Batch<T> batch{inputs, targets, classes, row_weights, order, 0, 0, T(1), own.data(), nullptr, 0,
                       net.update.rule != GRADIENT};
        FlushTiny flushed;
        Crew crew(threads, [&](int kind, int piece) {
            if (kind == 0) {
                const int r0 = piece * rows_a_piece, r1 = r0 + rows_a_piece;
                kernels->rows(net, batch, r0, r1 < batch.count ? r1 : batch.count);
            } else {
                const int t0 = piece * tiles_a_piece, t1 = t0 + tiles_a_piece;
                kernels->tiles(net, batch, t0, t1 < all_tiles ? t1 : all_tiles);
            }
        });
        int64_t step = first;
        for (; step < epochs * steps; step++) {
            if (step > first && std::chrono::duration<double>(Clock::now() - start).count() > seconds) break;
            batch.first = step % steps * size;
            batch.count = int(rows - batch.first < size ? rows - batch.first : size);
            batch.share = mean ? T(1.0 / batch.count) : T(1);
            const int64_t next = batch.first + size;
            batch.next = order && next < rows ? order + next : nullptr;
            batch.next_count = int(rows - next < size ? rows - next : size);
            prepare_update();
            crew.phase(0, (batch.count + rows_a_piece - 1) / rows_a_piece);
            crew.phase(1, (all_tiles + tiles_a_piece - 1) / tiles_a_piece);
            if (costs) {
                double sum = 0;
                for (int i = 0; i < batch.count; i++) sum += own[i];
                costs[step / steps] += sum;
            }
        }
        return step;
    }
    void prepare_update() {
        Update& u = net.update;
        u.count++;
        if (u.rule != ADAM && u.rule != ADAMW) return;
        const double beta1 = u.rule == ADAM ? u.first : u.second, beta2 = u.rule == ADAM ? u.second : u.third;
        net.step_a = T(u.rate / (1 - std::pow(beta1, double(u.count))));
        net.step_c = T(1 / std::sqrt(1 - std::pow(beta2, double(u.count))));
    }

    void predict(const T* inputs, int64_t from, int64_t to, int threads, T* results) const {
        Batch<T> rows{inputs, nullptr, nullptr, nullptr, nullptr, 0, 0, T(1), nullptr, nullptr, 0, false};
        share_out(rows, from, to, threads, [&](Engine& engine, Batch<T>& batch) {
            kernels->forward(engine.net, batch, 0, batch.count);
            engine.results(batch.count, results + size_t(batch.first) * layers.back().to);
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
        if (work_of_a_row() * double(to - from) < WORTH_A_THREAD) threads = 1;
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
        std::vector<std::thread> helpers;
        for (int i = 1; i < threads; i++) helpers.emplace_back([&, i] { take(own[i]); });
        if (threads) take(own[0]);
        for (auto& helper : helpers) helper.join();
    }
    void results(int count, T* to) const {
        const int b = kernels->block, n = layers.back().to;
        for (int i = 0; i < count; i++)
            for (int j = 0; j < n; j++)
                *to++ = net.values[net.layers][(size_t(j / b) * net.capacity + i) * b + j % b];
    }
};

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

int backhand_interface(void) { return 2; }

const char* backhand_sets(void) {
#if defined(BACKHAND_AVX2)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return "avx512 avx2 baseline";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2 baseline";
#endif
    return "baseline";
}

backhand_net* backhand_new(int bytes, const char* set, int layers, const int32_t* sizes, const int32_t* activations,
                           const double* settings, const double* dropouts, int cost, double cost_setting,
                           double cost_factor, uint64_t dropout_seed) try {
    auto* made = new backhand_net;
    auto fill = [&](auto*& engine, auto zero) {
        using T = decltype(zero);
        const auto* kernels = find(set, zero);
        if (!kernels) return false;
        engine = new Engine<T>(kernels, layers, sizes, activations, settings, dropouts);
        engine->net.cost = cost, engine->net.cost_setting = T(cost_setting), engine->net.cost_factor = T(cost_factor);
        engine->net.dropout_seed = dropout_seed;
        return true;
    };
    const bool known = bytes == 4 ? fill(made->single, 0.0f) : fill(made->full, 0.0);
    if (known) return made;
    delete made;
    return nullptr;
} catch (const std::bad_alloc&) {
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
                       int64_t epochs, int64_t first, double seconds, int threads, double* costs) try {
    return with(net, [&](auto& engine) {
        return engine.train(as(inputs, engine), as(targets, engine), classes, as(row_weights, engine), order, rows, batch,
                            mean != 0, epochs, first, seconds, threads, costs);
    });
} catch (const std::bad_alloc&) {
    return -1;
}

int backhand_predict(const backhand_net* net, const void* inputs, int64_t from, int64_t to, int threads, void* results) try {
    with(net, [&](auto& engine) { engine.predict(as(inputs, engine), from, to, threads, as(results, engine)); });
    return 0;
} catch (const std::bad_alloc&) {
    return -1;
}

int backhand_row_gradients(const backhand_net* net, const void* inputs, const void* targets, const int32_t* classes,
                           int64_t from, int64_t to, int threads, int64_t stride, void* results) try {
    with(net, [&](auto& engine) {
        engine.row_gradients(as(inputs, engine), as(targets, engine), classes, from, to, threads, stride,
                             as(results, engine));
    });
    return 0;
} catch (const std::bad_alloc&) {
    return -1;
}

namespace {

// The neurons of a graph, if it has no parameter outside of them.
struct FoundNeurons {
    std::vector<Neuron> of_step;
    std::vector<Group> groups;
    std::vector<int32_t> source, parameter;
    Neurons found{};
    const Neurons* all = nullptr;

    explicit FoundNeurons(const Graph& g) : of_step(g.steps) {
        const int first_step = g.parameters + g.columns + g.constants;
        std::vector<int> uses(g.parameters);
        auto use = [&](int slot) {
            if (slot >= 0 && slot < g.parameters) uses[slot]++;
        };
        for (int k = 0; k < g.steps; k++) {
            const Step& s = g.step[k];
            for (int e = s.first; e < s.end; e++) use(g.edge[e].x), use(g.edge[e].y);
            if (s.operation == SUM || s.operation == LOG_SUM_EXP) continue;
            use(s.a);
            if (s.operation != POWER && s.operation != HUBER_OF) use(s.b);
        }
        for (int k = 0; k < g.steps; k++) {
            const Step& s = g.step[k];
            Neuron& n = of_step[k];
            n.is = s.operation == SUM;
            int alone = 0;
            for (int e = s.first; e < s.end; e++) {
                const Edge edge = g.edge[e];
                n.is = n.is && edge.x < g.parameters && uses[edge.x] == 1 && (edge.y < 0 || edge.y >= g.parameters);
                alone += edge.y < 0;
            }
            n.is = n.is && alone <= 1;
            if (n.is) take(g, s, n, first_step);
        }
        for (int k = 0; k < g.steps; k++) {
            if (!groups.empty() && joins(g, groups.back(), k)) {
                groups.back().count++;
            } else {
                groups.push_back(Group{k, 1, small(k) ? of_step[k].end - of_step[k].begin : 0,
                                       small(k) && of_step[k].data == of_step[k].end});
            }
        }
        found = Neurons{groups.data(), int(groups.size()), of_step.data(), source.data(), parameter.data()};
        if (int(parameter.size()) == g.parameters) all = &found;
    }
    // Whether a step is a neuron of 1 to 4 values, all of them data or none, and a bias.
    bool small(int k) const {
        const Neuron& n = of_step[k];
        const int from = n.is ? n.end - n.begin : 0;
        return from >= 1 && from <= 4 && n.bias >= 0 && (n.data == n.begin || n.data == n.end);
    }
    bool joins(const Graph& g, const Group& group, int k) const {
        if (!small(k)) return group.from == 0;
        if (group.from == 0 || group.count == 4) return false;
        const Neuron &a = of_step[group.first], &b = of_step[k];
        const Step &s = g.step[group.first], &t = g.step[k];
        if (a.end - a.begin != b.end - b.begin || s.function != t.function || s.number != t.number) return false;
        for (int e = 0; e < a.end - a.begin; e++)
            if (source[a.begin + e] != source[b.begin + e]) return false;
        return true;
    }
    void take(const Graph& g, const Step& s, Neuron& n, int first_step) {
        auto put = [&](const Edge& edge) { source.push_back(edge.y), parameter.push_back(edge.x); };
        n.begin = int32_t(source.size());
        for (int e = s.first; e < s.end; e++)
            if (g.edge[e].y >= 0 && g.edge[e].y < first_step) put(g.edge[e]);
        n.data = int32_t(source.size());
        for (int e = s.first; e < s.end; e++)
            if (g.edge[e].y >= first_step) put(g.edge[e]);
        n.end = n.bias = int32_t(source.size());
        for (int e = s.first; e < s.end; e++)
            if (g.edge[e].y < 0) put(g.edge[e]);
        if (int32_t(source.size()) == n.end) n.bias = -1;
    }
};

template <class T> int work_graph(const GraphKernels<T>* kernels, const Job<T>& job, int threads) {
    if (!kernels) return -2;
    FlushTiny flushed;
    if (job.networks == 1) return kernels->rows(job) ? 0 : -1;
    const int64_t part = int64_t(kernels->lanes) * 8, parts = (job.networks + part - 1) / part;
    std::atomic<int64_t> next{0};
    std::atomic<bool> enough{true};
    auto work = [&] {
        FlushTiny mine;
        for (int64_t i; (i = next.fetch_add(1)) < parts;) {
            const int64_t end = (i + 1) * part < job.networks ? (i + 1) * part : job.networks;
            if (!kernels->networks(job, i * part, end)) enough = false;
        }
    };
    std::vector<std::thread> helpers;
    for (int64_t i = 1; i < threads && i < parts; i++) helpers.emplace_back(work);
    work();
    for (auto& helper : helpers) helper.join();
    return enough ? 0 : -1;
}
}  // namespace

int backhand_graph(int bytes, const char* set, const int32_t* counts, const double* constants, const Step* steps_of_graph,
                   const Edge* edges, const uint8_t* needed, const void* data, int64_t rows, int mean, int rule,
                   double rate, const double* numbers, int64_t count, int64_t steps, int64_t networks, int threads,
                   void* parameters, void* first, void* second, void* costs, void* gradients) try {
    const Graph graph{counts[0], counts[1], counts[2], counts[3], counts[4], constants, steps_of_graph, edges, needed};
    const FoundNeurons neurons(graph);
    auto work = [&](auto zero) {
        using T = decltype(zero);
        const Job<T> job{&graph, neurons.all, static_cast<const T*>(data), rows, mean, rule, rate,
                         {numbers[0], numbers[1], numbers[2], numbers[3]}, count, steps, networks,
                         static_cast<T*>(parameters), static_cast<T*>(first), static_cast<T*>(second),
                         static_cast<T*>(costs), static_cast<T*>(gradients)};
        return work_graph(find_graph(set, networks == 1 ? rows : INT64_MAX, zero), job, threads);
    };
    return bytes == 4 ? work(0.0f) : work(0.0);
} catch (const std::bad_alloc&) {
    return -1;
}
