// Training and predicting on the tape, compiled once for each instruction set.
#include "groups.h"
#include "net.h"
#include "update.h"

namespace {

// How the rows of a step go through the tape: `parts` times `wide` registers a slot.
template <class T, bool ROWS> struct Parts {
    static constexpr int ROWS_OF_REGISTER = ROWS ? LANES<T> : 1;
    int wide;
    int64_t parts;
    bool packed;  // whether the data of all parts are laid out once, not for every step anew

    explicit Parts(const Job<T>& job) {
        constexpr int64_t near = 24 << 10, most = 4 << 20;  // bytes in the nearest cache; of packed data
        const int64_t registers = (job.batch + ROWS_OF_REGISTER - 1) / ROWS_OF_REGISTER;
        int64_t widest = near / (int64_t(sizeof(Vec<T>)) * (3 * job.graph->steps + job.graph->columns + 1));
        widest = widest < 4 ? 4 : widest > 64 ? 64 : widest;
        parts = (registers + widest - 1) / widest;
        wide = int((registers + parts - 1) / parts);
        const int64_t whole = parts * wide * (job.graph->columns + 1) * int64_t(sizeof(Vec<T>));
        packed = job.batch == job.rows && (parts == 1 || whole <= most);
    }
    // Registers for data and what each row counts.
    size_t room(const Job<T>& job) const { return size_t(packed ? parts : 1) * wide * (job.graph->columns + 1); }
};

// The rows of one part at a time.
template <class T, bool ROWS> struct Rows {
    using V = Vec<T>;
    const Job<T>& job;
    const Parts<T, ROWS> in;
    V* data;  // [part][column, then what each row counts][wide]

    V* at(int64_t part) const { return data + (in.packed ? size_t(part) * in.wide * (job.graph->columns + 1) : 0); }
    const V* counts(int64_t part) const { return at(part) + size_t(job.graph->columns) * in.wide; }

    // Lays out the rows of a part of the batch that begins at `first`; empty places repeat a row and count nothing.
    void lay_out(int64_t part, int64_t first, int64_t count) const {
        constexpr int L = LANES<T>, EACH = Parts<T, ROWS>::ROWS_OF_REGISTER;
        const int columns = job.graph->columns;
        const T share = job.mean ? T(1.0 / double(count)) : T(1);
        V* to = at(part);
        for (int r = 0; r < in.wide; r++)
            for (int lane = 0; lane < EACH; lane++) {
                const int64_t i = (part * in.wide + r) * EACH + lane, place = first + (i < count ? i : 0);
                const T* row = job.data + (job.order ? job.order[place] : place) * columns;
                for (int c = 0; c < columns; c++) {
                    if (ROWS) {
                        to[c * in.wide + r][lane % L] = row[c];
                    } else {
                        to[c * in.wide + r] = all<T>(row[c]);
                    }
                }
                if (ROWS) {
                    to[columns * in.wide + r][lane % L] = i < count ? share : T(0);
                } else {
                    to[columns * in.wide + r] = all<T>(i < count ? share : T(0));
                }
            }
    }
    void lay_out_all() const {
        for (int64_t part = 0; in.packed && part < in.parts; part++) lay_out(part, 0, job.batch);
    }
    // Forward feed and backward pass over the rows of one step. Gives the cost, where it is wanted, as a sum over lanes
    // still to be taken.
    V step(Pass<T, ROWS>& pass, int64_t number, bool with_cost) const {
        int64_t first = 0, count = job.rows;
        if (!in.packed) {
            first = number % ((job.rows + job.batch - 1) / job.batch) * job.batch;
            count = job.rows - first < job.batch ? job.rows - first : job.batch;
        }
        Tape<T>& tape = pass.tape;
        V cost{};
        for (int64_t part = 0; part < in.parts; part++) {
            if (!in.packed) lay_out(part, first, count);
            tape.look_at(at(part));
            pass.forward(with_cost);
            const V *own = tape.value + size_t(tape.g.steps - 1) * in.wide, *counted = counts(part);
            for (int r = 0; with_cost && r < in.wide; r++) cost += own[r] * counted[r];
            pass.backward(counted, part == 0);
        }
        return cost;
    }
};

template <class T> Net<T> updater(const Job<T>& job) {
    Net<T> net{};
    net.update = Update{job.rule, job.rate, job.numbers[0], job.numbers[1], job.numbers[2], job.numbers[3], 0, job.count};
    return net;
}
template <class T> size_t padded(int parameters) { return size_t(parameters + LANES<T> - 1) / LANES<T> * LANES<T>; }

// Shares out one piece of memory.
struct Room {
    char* at;
    template <class X> X* take(size_t bytes) {
        X* found = reinterpret_cast<X*>(at);
        at += (bytes + 63) / 64 * 64;
        return found;
    }
};
template <class T> size_t room(const Job<T>& job) {
    const Graph& g = *job.graph;
    const Parts<T, true> rows(job);
    const Parts<T, false> networks(job);
    const size_t one = Tape<T>::room(g, rows.wide) + rows.room(job) * sizeof(Vec<T>);
    const size_t many = Tape<T>::room(g, networks.wide) + networks.room(job) * sizeof(Vec<T>);
    return (one > many ? one : many) + 4 * padded<T>(g.parameters) * sizeof(Vec<T>) + 1024;
}

// One network: rows in the lanes, a parameter the same in every lane.
template <class T> void rows(const Job<T>& job, void* memory) {
    const Graph& g = *job.graph;
    const Parts<T, true> in(job);
    Room room{static_cast<char*>(memory)};
    Tape<T> tape(g, job.neurons->place, in.wide, room.take<char>(Tape<T>::room(g, in.wide)));
    const Rows<T, true> rows{job, in, room.take<Vec<T>>(in.room(job) * sizeof(Vec<T>))};
    const size_t count = padded<T>(g.parameters);
    T *w = room.take<T>(4 * count * sizeof(T)), *grad = w + count, *state[2] = {grad + count, grad + 2 * count};
    const int32_t* place = job.neurons->place;
    for (int p = 0; p < g.parameters; p++) {
        w[place[p]] = job.parameters[p];
        tape.parameter[place[p]] = all<T>(job.parameters[p]);
        for (int i = 0; i < 2; i++)
            if (job.state[i]) state[i][place[p]] = job.state[i][p];
    }
    const bool plain = job.rule == SGD && !job.gradients;
    Pass<T, true> pass{tape, *job.neurons, plain && in.parts == 1, T(job.rate)};
    Net<T> net = updater(job);
    rows.lay_out_all();
    int64_t step = 0;
    if (pass.at_once && in.wide == 1 && in.packed && job.neurons->chain && job.steps > 1) {  // all but the last, which gives the cost
        tape.look_at(rows.at(0));
        AtOnce<T>{tape, *job.neurons, T(job.rate)}.steps(step = job.steps - 1, *rows.counts(0));
    }
    for (; step < job.steps; step++) {
        const bool with_cost = job.costs && step == job.steps - 1;
        const Vec<T> cost = rows.step(pass, job.first + step, with_cost);
        if (with_cost) job.costs[0] = sum_of<T>(cost);
        begin_update(net);
        if (plain) {
            for (int p = pass.at_once ? job.neurons->in_layers : 0; p < g.parameters; p++)
                tape.parameter[p] -= all_of<T>(tape.gradient[p]) * T(job.rate);
            continue;
        }
        for (int p = 0; p < g.parameters; p++) grad[p] = sum_of<T>(tape.gradient[p]);
        if (job.gradients) {
            for (int p = 0; p < g.parameters; p++) job.gradients[p] = grad[place[p]];
            continue;
        }
        update_with<T>(net, T(0), w, grad, state[0], state[1], nullptr, int(count));
        for (int p = 0; p < g.parameters; p++) tape.parameter[p] = all<T>(w[p]);
    }
    for (int p = 0; p < g.parameters; p++) {
        job.parameters[p] = plain ? tape.parameter[place[p]][0] : w[place[p]];
        for (int i = 0; i < 2; i++)
            if (job.state[i]) job.state[i][p] = state[i][place[p]];
    }
}

// Networks `from` … `to` - 1: networks in the lanes, a row to each register of a slot.
template <class T> void networks(const Job<T>& job, int64_t from, int64_t to, void* memory) {
    constexpr int L = LANES<T>;
    const Graph& g = *job.graph;
    const Parts<T, false> in(job);
    Room room{static_cast<char*>(memory)};
    Tape<T> tape(g, job.neurons->place, in.wide, room.take<char>(Tape<T>::room(g, in.wide)));
    const Rows<T, false> rows{job, in, room.take<Vec<T>>(in.room(job) * sizeof(Vec<T>))};
    const size_t count = size_t(g.parameters) * L;
    T *w = reinterpret_cast<T*>(tape.parameter), *grad = reinterpret_cast<T*>(tape.gradient);
    T* kept = room.take<T>(2 * count * sizeof(T));
    T* state[2] = {kept, kept + count};
    const bool plain = job.rule == SGD && !job.gradients;
    Pass<T, false> pass{tape, *job.neurons, plain && in.parts == 1, T(job.rate)};
    rows.lay_out_all();
    for (int64_t n0 = from; n0 < to; n0 += L) {
        const int here = int(to - n0 < L ? to - n0 : L);
        auto each = [&](auto work) {
            for (int p = 0; p < g.parameters; p++)
                for (int i = 0; i < here; i++) work(size_t(job.neurons->place[p]) * L + i, size_t(p) * job.networks + n0 + i);
        };
        memset(w, 0, count * sizeof(T));
        memset(kept, 0, 2 * count * sizeof(T));
        each([&](size_t mine, size_t theirs) {
            w[mine] = job.parameters[theirs];
            for (int i = 0; i < 2; i++)
                if (job.state[i]) state[i][mine] = job.state[i][theirs];
        });
        Net<T> net = updater(job);
        for (int64_t step = 0; step < job.steps; step++) {
            const bool with_cost = job.costs && step == job.steps - 1;
            const Vec<T> cost = rows.step(pass, job.first + step, with_cost);
            for (int i = 0; with_cost && i < here; i++) job.costs[n0 + i] = cost[i];
            begin_update(net);
            if (pass.at_once) {
                for (int p = job.neurons->in_layers; p < g.parameters; p++)
                    tape.parameter[p] -= tape.gradient[p] * T(job.rate);
            } else if (!job.gradients) {
                update_with<T>(net, T(0), w, grad, state[0], state[1], nullptr, int(count));
            }
        }
        each([&](size_t mine, size_t theirs) {
            job.parameters[theirs] = w[mine];
            for (int i = 0; i < 2; i++)
                if (job.state[i]) job.state[i][theirs] = state[i][mine];
            if (job.gradients) job.gradients[theirs] = grad[mine];
        });
    }
}

// The values of some slots for each row, in the order of the data: results[row][slot].
template <class T> void predict(const Job<T>& job, const int32_t* slots, int count, T* results, void* memory) {
    constexpr int L = LANES<T>;
    const Graph& g = *job.graph;
    const Parts<T, true> in(job);
    Room room{static_cast<char*>(memory)};
    Tape<T> tape(g, job.neurons->place, in.wide, room.take<char>(Tape<T>::room(g, in.wide)));
    const Rows<T, true> rows{job, in, room.take<Vec<T>>(in.room(job) * sizeof(Vec<T>))};
    for (int p = 0; p < g.parameters; p++) tape.parameter[job.neurons->place[p]] = all<T>(job.parameters[p]);
    Pass<T, true> pass{tape, *job.neurons, false, T(0)};
    for (int64_t first = 0; first < job.rows; first += job.batch) {
        const int64_t left = job.rows - first < job.batch ? job.rows - first : job.batch;
        for (int64_t part = 0; part < in.parts; part++) {
            rows.lay_out(part, first, left);
            tape.look_at(rows.at(part));
            pass.forward(true);
            for (int64_t i = 0; i < int64_t(in.wide) * L; i++) {
                const int64_t row = part * in.wide * L + i;
                if (row >= left) break;
                for (int k = 0; k < count; k++) {
                    const auto& from = tape.operand[slots[k]];
                    results[(first + row) * count + k] = from.value[from.next ? i / L : 0][i % L];
                }
            }
        }
    }
}

}  // namespace

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define KERNELS(T) {LANES<T>, room<T>, rows<T>, networks<T>, predict<T>}
extern const GraphKernels<float> JOIN(graph_float_, BACKHAND_SET);
extern const GraphKernels<double> JOIN(graph_double_, BACKHAND_SET);
const GraphKernels<float> JOIN(graph_float_, BACKHAND_SET) = KERNELS(float);
const GraphKernels<double> JOIN(graph_double_, BACKHAND_SET) = KERNELS(double);
