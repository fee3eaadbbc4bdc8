// The tape at work, compiled once for each instruction set.
#include <cstdlib>

#include "activation.h"
#include "graph.h"
#include "net.h"
#include "update.h"

namespace {

// Memory for registers, all 0; null where there is none.
static void* zeros(size_t bytes) {
    bytes = (bytes / 64 + 1) * 64;
    void* at = nullptr;
#if defined(_WIN32)
    at = _aligned_malloc(bytes, 64);
#else
    if (posix_memalign(&at, 64, bytes) != 0) at = nullptr;
#endif
    if (at) memset(at, 0, bytes);
    return at;
}
static void release(void* at) {
#if defined(_WIN32)
    _aligned_free(at);
#else
    free(at);
#endif
}

// `WIDE` registers side by side are one slot: with networks in the lanes, two keep the machine's units busy.
template <class T, int WIDE> struct Tape {
    static constexpr int LANES_OF_SLOT = LANES<T> * WIDE;
    const Graph& g;
    Vec<T>*memory = nullptr, *value = nullptr, *slope = nullptr, *adjoint = nullptr;

    explicit Tape(const Graph& graph) : g(graph) {
        const size_t slots = size_t(g.parameters) + g.columns + g.constants + g.steps;
        memory = static_cast<Vec<T>*>(zeros(3 * slots * WIDE * sizeof(Vec<T>)));
        if (!memory) return;
        value = memory, slope = memory + slots * WIDE, adjoint = memory + 2 * slots * WIDE;
        for (int k = 0; k < g.constants; k++)
            for (int w = 0; w < WIDE; w++) at(value, g.parameters + g.columns + k)[w] += T(g.numbers[k]);
    }
    ~Tape() { release(memory); }
    Tape(const Tape&) = delete;

    INLINE_MEMBER Vec<T>* at(Vec<T>* array, int slot) const { return array + size_t(slot) * WIDE; }

    static Vec<T> apply(int function, T number, Vec<T> z, Vec<T>& slope) {
        switch (function) {
            case EXP: return slope = lane_by_lane(z, [](double x) { return std::exp(x); });
            case LOG: slope = T(1) / z; return lane_by_lane(z, [](double x) { return std::log(x); });
            case SQRT: { Vec<T> r = root(z); slope = T(0.5) / r; return r; }
            case ABS: {
                Vec<T> none{}, one = all<T>(1);
                slope = z > T(0) ? one : (z < T(0) ? -one : none);
                return size_of<T>(z);
            }
            default: {
                Vec<T> a = activate<T>(function, number, z, slope);
                if (slope_from_value(function, double(number))) slope = slope_of_value<T>(function, number, a);
                return a;
            }
        }
    }
    template <class F> static Vec<T> lane_by_lane(Vec<T> z, F f) {
        for (int i = 0; i < LANES<T>; i++) z[i] = T(f(double(z[i])));
        return z;
    }

    void forward() {
        for (int k = 0; k < g.steps; k++) forward(k);
    }
    INLINE_MEMBER void forward(int k) {
            const int first = g.parameters + g.columns + g.constants;
            const Step& s = g.step[k];
            Vec<T>* out = at(value, first + k);
            switch (s.operation) {
                case SUM: {
                    Vec<T> z[WIDE]{};
                    for (int e = s.first; e < s.end; e++) {
                        const Edge edge = g.edge[e];
                        const Vec<T>* x = at(value, edge.x);
                        if (edge.y < 0) {
                            for (int w = 0; w < WIDE; w++) z[w] += x[w];
                        } else {
                            const Vec<T>* y = at(value, edge.y);
                            for (int w = 0; w < WIDE; w++) z[w] = x[w] * y[w] + z[w];
                        }
                    }
                    if (s.function == LINEAR) {
                        for (int w = 0; w < WIDE; w++) out[w] = z[w];
                    } else if (s.function == RELU) {
                        for (int w = 0; w < WIDE; w++) out[w] = larger<T>(z[w], Vec<T>{});
                    } else {
                        Vec<T>* f = at(slope, first + k);
                        for (int w = 0; w < WIDE; w++) out[w] = apply(s.function, T(s.number), z[w], f[w]);
                    }
                    break;
                }
                case QUOTIENT:
                    for (int w = 0; w < WIDE; w++) out[w] = at(value, s.a)[w] / at(value, s.b)[w];
                    break;
                case POWER:
                    for (int w = 0; w < WIDE; w++) {
                        const double n = s.number;
                        const Vec<T> x = at(value, s.a)[w];
                        out[w] = n == 2 ? x * x : lane_by_lane(x, [n](double v) { return std::pow(v, n); });
                    }
                    break;
                case LARGER: case SMALLER:
                    for (int w = 0; w < WIDE; w++) {
                        const Vec<T> x = at(value, s.a)[w], y = at(value, s.b)[w];
                        out[w] = s.operation == LARGER ? (x < y ? y : x) : (y < x ? y : x);
                    }
                    break;
                case LOG_SUM_EXP:
                    for (int w = 0; w < WIDE; w++) {
                        Vec<T> top = at(value, g.edge[s.first].x)[w], sum{};
                        for (int e = s.first + 1; e < s.end; e++) top = larger<T>(top, at(value, g.edge[e].x)[w]);
                        for (int e = s.first; e < s.end; e++) sum += exp_of<T>(at(value, g.edge[e].x)[w] - top);
                        out[w] = top + lane_by_lane(sum, [](double x) { return std::log(x); });
                    }
                    break;
                case SQUARED:
                    for (int w = 0; w < WIDE; w++) {
                        const Vec<T> e = at(value, s.a)[w] - at(value, s.b)[w];
                        out[w] = e * e;
                    }
                    break;
                case HUBER_OF:
                    for (int w = 0; w < WIDE; w++) {
                        const T edge = T(s.number);
                        const Vec<T> e = at(value, s.a)[w], size = size_of<T>(e), small = e * e * T(0.5);
                        out[w] = size <= edge ? small : (size - edge / 2) * edge;
                    }
                    break;
            }
    }

    // ∂C/∂(every needed slot); the last step's must be set, those of the parameters are added to.
    void backward() {
        clear();
        for (int k = g.steps - 1; k >= 0; k--) backward(k);
    }
    INLINE_MEMBER void clear() {
        for (int k = 0; k < (g.steps - 1) * WIDE; k++) at(adjoint, g.parameters + g.columns + g.constants)[k] = Vec<T>{};
    }
    INLINE_MEMBER void backward(int k) {
            const int first = g.parameters + g.columns + g.constants;
            const Step& s = g.step[k];
            if (!g.needed[first + k]) return;
            Vec<T> d[WIDE];
            for (int w = 0; w < WIDE; w++) d[w] = at(adjoint, first + k)[w];
            auto give = [&](int slot, int w, Vec<T> share) {
                if (g.needed[slot]) at(adjoint, slot)[w] += share;
            };
            switch (s.operation) {
                case SUM:
                    if (s.function == RELU) {
                        for (int w = 0; w < WIDE; w++) d[w] = at(value, first + k)[w] > T(0) ? d[w] : Vec<T>{};
                    } else if (s.function != LINEAR) {
                        for (int w = 0; w < WIDE; w++) d[w] *= at(slope, first + k)[w];
                    }
                    for (int e = s.first; e < s.end; e++) {
                        const Edge edge = g.edge[e];
                        const Vec<T>* x = at(value, edge.x);
                        if (edge.y < 0) {
                            for (int w = 0; w < WIDE; w++) give(edge.x, w, d[w]);
                            continue;
                        }
                        const Vec<T>* y = at(value, edge.y);
                        for (int w = 0; w < WIDE; w++) give(edge.y, w, d[w] * x[w]);
                        for (int w = 0; w < WIDE; w++) give(edge.x, w, d[w] * y[w]);
                    }
                    break;
                case QUOTIENT:
                    for (int w = 0; w < WIDE; w++) {
                        const Vec<T> share = d[w] / at(value, s.b)[w];
                        give(s.a, w, share);
                        give(s.b, w, -share * at(value, first + k)[w]);
                    }
                    break;
                case POWER:
                    for (int w = 0; w < WIDE; w++) {
                        const double n = s.number;
                        const Vec<T> x = at(value, s.a)[w];
                        give(s.a, w, d[w] * T(n) * (n == 2 ? x : lane_by_lane(x, [n](double v) { return std::pow(v, n - 1); })));
                    }
                    break;
                case LARGER: case SMALLER:
                    for (int w = 0; w < WIDE; w++) {
                        const Vec<T> x = at(value, s.a)[w], y = at(value, s.b)[w], none{};
                        const auto second = s.operation == LARGER ? x < y : y < x;
                        give(s.a, w, second ? none : d[w]);
                        give(s.b, w, second ? d[w] : none);
                    }
                    break;
                case LOG_SUM_EXP:
                    for (int e = s.first; e < s.end; e++)
                        for (int w = 0; w < WIDE; w++)
                            give(g.edge[e].x, w, d[w] * exp_of<T>(at(value, g.edge[e].x)[w] - at(value, first + k)[w]));
                    break;
                case SQUARED:
                    for (int w = 0; w < WIDE; w++) {
                        const Vec<T> share = (at(value, s.a)[w] - at(value, s.b)[w]) * d[w] * T(2);
                        give(s.a, w, share);
                        give(s.b, w, -share);
                    }
                    break;
                case HUBER_OF:
                    for (int w = 0; w < WIDE; w++) {
                        const T edge = T(s.number);
                        const Vec<T> e = at(value, s.a)[w], far = e > T(0) ? all<T>(edge) : -all<T>(edge);
                        give(s.a, w, d[w] * (size_of<T>(e) <= edge ? e : far));
                    }
                    break;
            }
    }
};

template <class T> Net<T> updater(const Job<T>& job) {
    Net<T> net{};
    net.update = Update{job.rule, job.rate, job.numbers[0], job.numbers[1], job.numbers[2], job.numbers[3], 0, job.count};
    return net;
}
template <class T> void count_update(Net<T>& net) {
    Update& u = net.update;
    u.count++;
    if (u.rule != ADAM && u.rule != ADAMW) return;
    const double beta1 = u.rule == ADAM ? u.first : u.second, beta2 = u.rule == ADAM ? u.second : u.third;
    net.step_a = T(u.rate / (1 - std::pow(beta1, double(u.count))));
    net.step_c = T(1 / std::sqrt(1 - std::pow(beta2, double(u.count))));
}

// A network of neurons (see graph.h) on its way through a step: forward, backward and update in one, all rows being in
// the lanes. The parameters' registers lie in the order of the work: each neuron's weights, then its bias.
template <class T> struct AtOnce {
    Tape<T, 1>& tape;
    const Neurons& neurons;
    Vec<T>* weight;
    T rate;

    INLINE_MEMBER Vec<T> applied(int k, int slot, Vec<T> z) {
        const int function = tape.g.step[k].function;
        if (function == RELU) return larger<T>(z, Vec<T>{});
        if (function == LINEAR) return z;
        return Tape<T, 1>::apply(function, T(tape.g.step[k].number), z, tape.slope[slot]);
    }
    INLINE_MEMBER Vec<T> through(int k, int slot) {
        const int function = tape.g.step[k].function;
        const Vec<T> d = tape.adjoint[slot];
        if (function == RELU) return tape.value[slot] > T(0) ? d : Vec<T>{};
        return function == LINEAR ? d : d * tape.slope[slot];
    }

    template <int FROM, int COUNT> void forward_group(const Group& group, int first) {
        const Neuron& n = neurons.of_step[group.first];
        const int32_t* source = neurons.source + n.begin;
        const Vec<T>* w = weight + n.begin;
        Vec<T> x[FROM];
        UNROLL for (int c = 0; c < FROM; c++) x[c] = tape.value[source[c]];
        UNROLL for (int u = 0; u < COUNT; u++) {
            Vec<T> z = w[u * (FROM + 1) + FROM];
            UNROLL for (int c = 0; c < FROM; c++) z = w[u * (FROM + 1) + c] * x[c] + z;
            tape.value[first + group.first + u] = applied(group.first + u, first + group.first + u, z);
        }
    }
    template <int FROM, int COUNT> void backward_group(const Group& group, int first) {
        const Neuron& n = neurons.of_step[group.first];
        const int32_t* source = neurons.source + n.begin;
        Vec<T>* w = weight + n.begin;
        const Vec<T> down = all<T>(rate);
        Vec<T> d[COUNT];
        UNROLL for (int u = 0; u < COUNT; u++) d[u] = through(group.first + u, first + group.first + u);
        UNROLL for (int c = 0; c < FROM; c++) {
            const Vec<T> x = tape.value[source[c]];
            if (!group.data) {
                Vec<T> sum = tape.adjoint[source[c]];
                UNROLL for (int u = 0; u < COUNT; u++) sum = w[u * (FROM + 1) + c] * d[u] + sum;
                tape.adjoint[source[c]] = sum;
            }
            UNROLL for (int u = 0; u < COUNT; u++) w[u * (FROM + 1) + c] -= all_of<T>(d[u] * x) * down;
        }
        UNROLL for (int u = 0; u < COUNT; u++) w[u * (FROM + 1) + FROM] -= all_of<T>(d[u]) * down;
    }
    void forward_neuron(int k, int slot) {
        const Neuron& n = neurons.of_step[k];
        Vec<T> z = n.bias >= 0 ? weight[n.bias] : Vec<T>{};
        for (int e = n.begin; e < n.end; e++) z = weight[e] * tape.value[neurons.source[e]] + z;
        tape.value[slot] = applied(k, slot, z);
    }
    void backward_neuron(int k, int slot) {
        const Neuron& n = neurons.of_step[k];
        const Vec<T> d = through(k, slot), down = all<T>(rate);
        for (int e = n.begin; e < n.data; e++) weight[e] -= all_of<T>(d * tape.value[neurons.source[e]]) * down;
        for (int e = n.data; e < n.end; e++) {
            const int from = neurons.source[e];
            tape.adjoint[from] = weight[e] * d + tape.adjoint[from];
            weight[e] -= all_of<T>(d * tape.value[from]) * down;
        }
        if (n.bias >= 0) weight[n.bias] -= all_of<T>(d) * down;
    }

#define BY_SHAPE(name)                                                      \
    switch (group.from * 8 + group.count) {                                 \
        case 9: name<1, 1>(group, first); break;                            \
        case 10: name<1, 2>(group, first); break;                           \
        case 11: name<1, 3>(group, first); break;                           \
        case 12: name<1, 4>(group, first); break;                           \
        case 17: name<2, 1>(group, first); break;                           \
        case 18: name<2, 2>(group, first); break;                           \
        case 19: name<2, 3>(group, first); break;                           \
        case 20: name<2, 4>(group, first); break;                           \
        case 25: name<3, 1>(group, first); break;                           \
        case 26: name<3, 2>(group, first); break;                           \
        case 27: name<3, 3>(group, first); break;                           \
        case 28: name<3, 4>(group, first); break;                           \
        case 33: name<4, 1>(group, first); break;                           \
        case 34: name<4, 2>(group, first); break;                           \
        case 35: name<4, 3>(group, first); break;                           \
        default: name<4, 4>(group, first);                                  \
    }

    void step(Vec<T> share) {
        const Graph& g = tape.g;
        const int first = g.parameters + g.columns + g.constants;
        for (int i = 0; i < neurons.groups; i++) {
            const Group& group = neurons.group[i];
            if (group.from) {
                BY_SHAPE(forward_group)
                continue;
            }
            for (int k = group.first; k < group.first + group.count; k++) {
                if (neurons.of_step[k].is) {
                    forward_neuron(k, first + k);
                } else {
                    tape.forward(k);
                }
            }
        }
        tape.clear();
        tape.adjoint[first + g.steps - 1] = share;
        for (int i = neurons.groups - 1; i >= 0; i--) {
            const Group& group = neurons.group[i];
            if (group.from) {
                BY_SHAPE(backward_group)
                continue;
            }
            for (int k = group.first + group.count - 1; k >= group.first; k--) {
                if (neurons.of_step[k].is) {
                    backward_neuron(k, first + k);
                } else {
                    tape.backward(k);
                }
            }
        }
    }
};

// One network: rows in the lanes, parameters the same in every lane.
template <class T> bool rows(const Job<T>& job) {
    const Graph& g = *job.graph;
    constexpr int L = LANES<T>;
    Tape<T, 1> tape(g);
    const int64_t chunks = (job.rows + L - 1) / L;
    const size_t padded = size_t(g.parameters + L - 1) / L * L;
    // The data with a row to a lane, what each lane counts, and the parameters beside what the update needs.
    const size_t vectors = size_t(chunks) * (g.columns + 1);
    auto* data = static_cast<Vec<T>*>(zeros(vectors * sizeof(Vec<T>)));
    T* own = static_cast<T*>(zeros((4 * padded + size_t(g.parameters) * L) * sizeof(T)));
    if (!tape.memory || !data || !own) {
        release(data);
        release(own);
        return false;
    }
    Vec<T>* weight = data + size_t(chunks) * g.columns;
    const T share = job.mean ? T(1.0 / double(job.rows)) : T(1);
    for (int64_t r = 0; r < chunks * L; r++) {
        const int64_t row = r < job.rows ? r : 0;  // an empty lane works the first row again and counts nothing
        for (int c = 0; c < g.columns; c++) data[(r / L) * g.columns + c][r % L] = job.data[row * g.columns + c];
        weight[r / L][r % L] = r < job.rows ? share : T(0);
    }
    T *w = own, *grad = own + padded, *m = own + 2 * padded, *s = own + 3 * padded;
    for (int p = 0; p < g.parameters; p++) {
        w[p] = job.parameters[p];
        if (job.first) m[p] = job.first[p];
        if (job.second) s[p] = job.second[p];
    }
    Net<T> net = updater(job);
    const int last = g.parameters + g.columns + g.constants + g.steps - 1;
    const bool plain = job.rule == SGD && !job.gradients, at_once = plain && chunks == 1 && job.neurons;
    const T rate = T(job.rate);
    for (int p = 0; p < g.parameters; p++) tape.value[p] = all<T>(w[p]);
    int64_t begin = 0;
    if (at_once) {  // all but the last step, which works the cost
        const Neurons& neurons = *job.neurons;
        Vec<T>* const own_order = reinterpret_cast<Vec<T>*>(s + padded);
        memcpy((void*)(tape.value + g.parameters), data, size_t(g.columns) * sizeof(Vec<T>));
        for (int e = 0; e < g.parameters; e++) own_order[e] = all<T>(w[neurons.parameter[e]]);
        AtOnce<T> at_once_of{tape, neurons, own_order, rate};
        for (; begin < job.steps - 1; begin++) at_once_of.step(weight[0]);
        for (int e = 0; e < g.parameters; e++) tape.value[neurons.parameter[e]] = own_order[e];
        net.update.count += begin;
    }
    for (int64_t step = begin; step < job.steps; step++) {
        for (int p = 0; p < g.parameters; p++) tape.adjoint[p] = Vec<T>{};
        double cost = 0;
        for (int64_t chunk = 0; chunk < chunks; chunk++) {
            if (chunks > 1 || step == begin)
                memcpy((void*)(tape.value + g.parameters), data + chunk * g.columns, size_t(g.columns) * sizeof(Vec<T>));
            tape.forward();
            if (job.costs && step == job.steps - 1) cost += double(sum_of<T>(tape.value[last] * weight[chunk]));
            tape.adjoint[last] = weight[chunk];
            tape.backward();
        }
        if (job.costs) job.costs[0] = T(cost);
        count_update(net);
        if (plain) {
            for (int p = 0; p < g.parameters; p++) tape.value[p] -= all_of<T>(tape.adjoint[p]) * rate;
            continue;
        }
        for (int p = 0; p < g.parameters; p++) grad[p] = sum_of<T>(tape.adjoint[p]);
        if (job.gradients) {
            memcpy(job.gradients, grad, size_t(g.parameters) * sizeof(T));
            continue;
        }
        update_with<T>(net, T(0), w, grad, m, s, nullptr, int(padded));
        for (int p = 0; p < g.parameters; p++) tape.value[p] = all<T>(w[p]);
    }
    for (int p = 0; p < g.parameters; p++) {
        job.parameters[p] = plain ? tape.value[p][0] : w[p];
        if (job.first) job.first[p] = m[p];
        if (job.second) job.second[p] = s[p];
    }
    release(data);
    release(own);
    return true;
}

// The same small layers with networks in the lanes: gradients are added to, over the rows.
template <class T, int WIDE> struct InLanes {
    Tape<T, WIDE>& tape;
    const Neurons& neurons;

    template <int FROM, int COUNT> void forward_group(const Group& group, int first) {
        const Neuron& n = neurons.of_step[group.first];
        const int32_t *source = neurons.source + n.begin, *parameter = neurons.parameter + n.begin;
        const int function = tape.g.step[group.first].function;
        const T number = T(tape.g.step[group.first].number);
        UNROLL for (int u = 0; u < COUNT; u++) {
            const int slot = first + group.first + u;
            const int32_t* own = parameter + u * (FROM + 1);
            for (int w = 0; w < WIDE; w++) {
                Vec<T> z = tape.at(tape.value, own[FROM])[w];
                UNROLL for (int c = 0; c < FROM; c++) z = tape.at(tape.value, own[c])[w] * tape.at(tape.value, source[c])[w] + z;
                tape.at(tape.value, slot)[w] = function == RELU ? larger<T>(z, Vec<T>{})
                                             : function == LINEAR ? z
                                             : Tape<T, WIDE>::apply(function, number, z, tape.at(tape.slope, slot)[w]);
            }
        }
    }
    template <int FROM, int COUNT> void backward_group(const Group& group, int first) {
        const Neuron& n = neurons.of_step[group.first];
        const int32_t *source = neurons.source + n.begin, *parameter = neurons.parameter + n.begin;
        const int function = tape.g.step[group.first].function;
        for (int w = 0; w < WIDE; w++) {
            Vec<T> d[COUNT];
            UNROLL for (int u = 0; u < COUNT; u++) {
                const int slot = first + group.first + u;
                d[u] = tape.at(tape.adjoint, slot)[w];
                if (function == RELU) {
                    d[u] = tape.at(tape.value, slot)[w] > T(0) ? d[u] : Vec<T>{};
                } else if (function != LINEAR) {
                    d[u] *= tape.at(tape.slope, slot)[w];
                }
                tape.at(tape.adjoint, parameter[u * (FROM + 1) + FROM])[w] += d[u];
            }
            UNROLL for (int c = 0; c < FROM; c++) {
                const Vec<T> x = tape.at(tape.value, source[c])[w];
                Vec<T> sum = tape.at(tape.adjoint, source[c])[w];
                UNROLL for (int u = 0; u < COUNT; u++) {
                    const int own = parameter[u * (FROM + 1) + c];
                    sum = tape.at(tape.value, own)[w] * d[u] + sum;
                    tape.at(tape.adjoint, own)[w] = d[u] * x + tape.at(tape.adjoint, own)[w];
                }
                if (!group.data) tape.at(tape.adjoint, source[c])[w] = sum;
            }
        }
    }
    void forward() {
        const Graph& g = tape.g;
        const int first = g.parameters + g.columns + g.constants;
        for (int i = 0; i < neurons.groups; i++) {
            const Group& group = neurons.group[i];
            if (group.from) {
                BY_SHAPE(forward_group)
            } else {
                for (int k = group.first; k < group.first + group.count; k++) tape.forward(k);
            }
        }
    }
    void backward() {
        const Graph& g = tape.g;
        const int first = g.parameters + g.columns + g.constants;
        tape.clear();
        for (int i = neurons.groups - 1; i >= 0; i--) {
            const Group& group = neurons.group[i];
            if (group.from) {
                BY_SHAPE(backward_group)
            } else {
                for (int k = group.first + group.count - 1; k >= group.first; k--) tape.backward(k);
            }
        }
    }
};

// Networks `from` … `to` - 1: networks in the lanes, the rows one after the other.
template <class T> bool networks(const Job<T>& job, int64_t from, int64_t to) {
    constexpr int WIDE = 2, N = Tape<T, WIDE>::LANES_OF_SLOT;
    const Graph& g = *job.graph;
    Tape<T, WIDE> tape(g);
    const size_t count = size_t(g.parameters) * N;
    T* state = static_cast<T*>(zeros(2 * count * sizeof(T)));
    if (!tape.memory || !state) {
        release(state);
        return false;
    }
    T *w = reinterpret_cast<T*>(tape.value), *grad = reinterpret_cast<T*>(tape.adjoint), *m = state, *s = state + count;
    const int last = g.parameters + g.columns + g.constants + g.steps - 1;
    const T share = job.mean ? T(1.0 / double(job.rows)) : T(1);
    for (int64_t n0 = from; n0 < to; n0 += N) {
        const int here = int(to - n0 < N ? to - n0 : N);
        auto each = [&](auto work) {
            for (int p = 0; p < g.parameters; p++)
                for (int i = 0; i < here; i++) work(size_t(p) * N + i, size_t(p) * job.networks + n0 + i);
        };
        memset(w, 0, count * sizeof(T));
        memset(state, 0, 2 * count * sizeof(T));
        each([&](size_t mine, size_t theirs) {
            w[mine] = job.parameters[theirs];
            if (job.first) m[mine] = job.first[theirs];
            if (job.second) s[mine] = job.second[theirs];
        });
        Net<T> net = updater(job);
        for (int64_t step = 0; step < job.steps; step++) {
            memset(grad, 0, count * sizeof(T));
            Vec<T> cost[WIDE]{};
            for (int64_t row = 0; row < job.rows; row++) {
                for (int c = 0; c < g.columns; c++)
                    for (int v = 0; v < WIDE; v++) tape.at(tape.value, g.parameters + c)[v] = all<T>(job.data[row * g.columns + c]);
                if (job.neurons) {
                    InLanes<T, WIDE>{tape, *job.neurons}.forward();
                } else {
                    tape.forward();
                }
                Vec<T>* end = tape.at(tape.adjoint, last);
                for (int v = 0; v < WIDE; v++) {
                    cost[v] += tape.at(tape.value, last)[v] * share;
                    end[v] = all<T>(share);
                }
                if (job.neurons) {
                    InLanes<T, WIDE>{tape, *job.neurons}.backward();
                } else {
                    tape.backward();
                }
            }
            if (job.costs && step == job.steps - 1)
                for (int i = 0; i < here; i++) job.costs[n0 + i] = cost[i / LANES<T>][i % LANES<T>];
            count_update(net);
            if (!job.gradients) update_with<T>(net, T(0), w, grad, m, s, nullptr, int(count));
        }
        each([&](size_t mine, size_t theirs) {
            job.parameters[theirs] = w[mine];
            if (job.first) job.first[theirs] = m[mine];
            if (job.second) job.second[theirs] = s[mine];
            if (job.gradients) job.gradients[theirs] = grad[mine];
        });
    }
    release(state);
    return true;
}

}  // namespace

#define NAME_OF_(set) #set
#define NAME_OF(set) NAME_OF_(set)
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
extern const GraphKernels<float> JOIN(graph_float_, BACKHAND_SET);
extern const GraphKernels<double> JOIN(graph_double_, BACKHAND_SET);
const GraphKernels<float> JOIN(graph_float_, BACKHAND_SET) = {NAME_OF(BACKHAND_SET), LANES<float>, rows<float>, networks<float>};
const GraphKernels<double> JOIN(graph_double_, BACKHAND_SET) = {NAME_OF(BACKHAND_SET), LANES<double>, rows<double>, networks<double>};
