// Small layers on the tape, worked in registers: FROM slots go into COUNT neighbours of one function, at most 4 by 4.
#pragma once

#include "tape.h"

namespace {

#define BY_SHAPE(name, ...)                                                                     \
    switch (group.from * 8 + group.count) {                                                     \
        case 9: name<1, 1>(__VA_ARGS__); break;   case 10: name<1, 2>(__VA_ARGS__); break;      \
        case 11: name<1, 3>(__VA_ARGS__); break;  case 12: name<1, 4>(__VA_ARGS__); break;      \
        case 17: name<2, 1>(__VA_ARGS__); break;  case 18: name<2, 2>(__VA_ARGS__); break;      \
        case 19: name<2, 3>(__VA_ARGS__); break;  case 20: name<2, 4>(__VA_ARGS__); break;      \
        case 25: name<3, 1>(__VA_ARGS__); break;  case 26: name<3, 2>(__VA_ARGS__); break;      \
        case 27: name<3, 3>(__VA_ARGS__); break;  case 28: name<3, 4>(__VA_ARGS__); break;      \
        case 33: name<4, 1>(__VA_ARGS__); break;  case 34: name<4, 2>(__VA_ARGS__); break;      \
        case 35: name<4, 3>(__VA_ARGS__); break;  default: name<4, 4>(__VA_ARGS__);             \
    }

struct Yes { static constexpr bool value = true; };  // for branches that are taken outside of a loop
struct No { static constexpr bool value = false; };

// Forward feed and backward pass over all rows that the tape holds. With `ROWS` in the lanes a parameter's derivative is
// the sum over the lanes. Where `at_once` is set, the parameters of small layers take their step w - η·∂C/∂w as soon as
// they have been used; else the derivatives go to the tape's gradients, set by the first part of a batch, added to by
// the others.
template <class T, bool ROWS> struct Pass {
    using V = Vec<T>;
    Tape<T>& tape;
    const Neurons& neurons;
    const bool at_once;
    const T rate;

    template <int FROM, int COUNT> void forward_group(const Group& group) {
        const int wide = tape.wide;
        const int32_t* source = neurons.source + group.source;
        const Step& s = tape.g.step[group.first];
        const V* own = tape.parameter + group.parameter;
        V w[COUNT][FROM + 1];
        UNROLL for (int u = 0; u < COUNT; u++)
            UNROLL for (int c = 0; c <= FROM; c++) w[u][c] = own[u * (FROM + 1) + c];
        const V* x[FROM];
        UNROLL for (int c = 0; c < FROM; c++) x[c] = tape.operand[source[c]].value;
        V *out = tape.operand[tape.first_step + group.first].value, *slope = tape.slope + (out - tape.value);
        auto feed = [&](auto cut) {
            for (int r = 0; r < wide; r++) {
                V in[FROM];
                UNROLL for (int c = 0; c < FROM; c++) in[c] = x[c][r];
                UNROLL for (int u = 0; u < COUNT; u++) {
                    V z = w[u][FROM];
                    UNROLL for (int c = 0; c < FROM; c++) z = w[u][c] * in[c] + z;
                    out[u * wide + r] = decltype(cut)::value ? larger<T>(V{}, z) : z;
                }
            }
        };
        if (s.function == RELU) return feed(Yes{});
        feed(No{});
        if (s.function == LINEAR) return;
        for (int i = 0; i < COUNT * wide; i++) out[i] = Tape<T>::apply(s.function, T(s.number), out[i], slope[i]);
    }

    template <int FROM, int COUNT> void backward_group(const Group& group, bool first) {
        const int wide = tape.wide;
        const int32_t* source = neurons.source + group.source;
        V *own = tape.parameter + group.parameter, *kept = tape.gradient + group.parameter;
        const int function = tape.g.step[group.first].function;
        const bool follows = group.follows;
        V w[COUNT][FROM], sums[COUNT][FROM + 1];
        typename Tape<T>::Operand from[FROM];
        UNROLL for (int c = 0; c < FROM; c++) from[c] = tape.operand[source[c]];
        UNROLL for (int u = 0; u < COUNT; u++) {
            UNROLL for (int c = 0; c < FROM; c++) w[u][c] = own[u * (FROM + 1) + c];
            UNROLL for (int c = 0; c <= FROM; c++) sums[u][c] = V{};
        }
        const V* out = tape.operand[tape.first_step + group.first].value;
        const V *adjoint = tape.adjoint + (out - tape.value), *slope = tape.slope + (out - tape.value);
        auto take_back = [&](auto cut, auto gives) {
            for (int r = 0; r < wide; r++) {
                V d[COUNT];
                UNROLL for (int u = 0; u < COUNT; u++) {
                    d[u] = adjoint[u * wide + r];
                    if (decltype(cut)::value) {
                        d[u] = out[u * wide + r] > T(0) ? d[u] : V{};
                    } else if (function != LINEAR) {
                        d[u] *= slope[u * wide + r];
                    }
                    sums[u][FROM] += d[u];
                }
                UNROLL for (int c = 0; c < FROM; c++) {
                    const V x = from[c].value[r];
                    UNROLL for (int u = 0; u < COUNT; u++) sums[u][c] = d[u] * x + sums[u][c];
                    if (!decltype(gives)::value) continue;
                    V back = follows ? V{} : from[c].adjoint[r];
                    UNROLL for (int u = 0; u < COUNT; u++) back = w[u][c] * d[u] + back;
                    from[c].adjoint[r] = back;
                }
            }
        };
        if (function == RELU) {
            group.of_data ? take_back(Yes{}, No{}) : take_back(Yes{}, Yes{});
        } else {
            group.of_data ? take_back(No{}, No{}) : take_back(No{}, Yes{});
        }
        UNROLL for (int u = 0; u < COUNT; u++)
            UNROLL for (int c = 0; c <= FROM; c++) {
                const int i = u * (FROM + 1) + c;
                if (at_once) {
                    own[i] -= (ROWS ? all_of<T>(sums[u][c]) : sums[u][c]) * rate;
                } else {
                    kept[i] = first ? sums[u][c] : kept[i] + sums[u][c];
                }
            }
    }

    void forward(bool with_cost) {
        for (int i = 0; i < neurons.groups; i++) {
            const Group& group = neurons.group[i];
            if (group.from) {
                BY_SHAPE(forward_group, group)
            } else if (!group.follows || with_cost) {
                for (int k = group.first; k < group.first + group.count; k++) tape.forward(k);
            }
        }
    }
    // `counts`: what each row counts, [wide]; `first`: whether this is the first part of a batch.
    void backward(const V* counts, bool first) {
        const int wide = tape.wide;
        if (first) for (int i = neurons.in_layers; i < tape.g.parameters; i++) tape.gradient[i] = V{};
        for (const Group* group = neurons.group; group < neurons.group + neurons.groups - 1; group++)
            if (!group->followed) memset((void*)(tape.adjoint + size_t(group->first) * wide), 0, sizeof(V) * group->count * wide);
        int i = neurons.groups - 1;
        if (neurons.group[i].follows && !neurons.group[i].from) {
            const Step& s = tape.g.step[tape.g.steps - 1];
            const auto a = tape.operand[s.a], b = tape.operand[s.b];
            for (int r = 0; r < wide; r++) a.adjoint[r] = (a.value[r] - b.value[b.next ? r : 0]) * T(2) * counts[r];
            i--;
        } else {
            const Group& last = neurons.group[i];
            memset((void*)(tape.adjoint + size_t(last.first) * wide), 0, sizeof(V) * (last.count - 1) * wide);
            memcpy((void*)(tape.adjoint + size_t(tape.g.steps - 1) * wide), counts, sizeof(V) * wide);
        }
        for (; i >= 0; i--) {
            const Group& group = neurons.group[i];
            if (group.from) {
                BY_SHAPE(backward_group, group, first)
            } else {
                for (int k = group.first + group.count - 1; k >= group.first; k--) tape.backward(k);
            }
        }
    }
};

// A chain of small layers whose rows all stand in one register: forward, backward and update in one. Every number of a
// step waits for the one before it, so what a layer gives stays in registers on its way to the next.
template <class T> struct AtOnce {
    using V = Vec<T>;
    Tape<T>& tape;
    const Neurons& neurons;
    const T rate;

    template <int FROM, int COUNT> INLINE_MEMBER void forward_group(const Group& group, V (&now)[4]) {
        const V* w = tape.parameter + group.parameter;
        const Step& s = tape.g.step[group.first];
        V z[COUNT];
        UNROLL for (int u = 0; u < COUNT; u++) {
            z[u] = w[u * (FROM + 1) + FROM];
            UNROLL for (int c = 0; c < FROM; c++) z[u] = w[u * (FROM + 1) + c] * now[c] + z[u];
        }
        if (s.function == RELU) {
            UNROLL for (int u = 0; u < COUNT; u++) z[u] = larger<T>(V{}, z[u]);
        } else if (s.function != LINEAR) {
            UNROLL for (int u = 0; u < COUNT; u++)
                z[u] = Tape<T>::apply(s.function, T(s.number), z[u], tape.slope[group.first + u]);
        }
        UNROLL for (int u = 0; u < COUNT; u++) now[u] = tape.value[group.first + u] = z[u];
    }
    template <int FROM, int COUNT> INLINE_MEMBER void backward_group(const Group& group, V (&d)[4]) {
        const int32_t* source = neurons.source + group.source;
        V *w = tape.parameter + group.parameter, back[FROM];
        const int function = tape.g.step[group.first].function;
        if (function == RELU) {
            UNROLL for (int u = 0; u < COUNT; u++) d[u] = tape.value[group.first + u] > T(0) ? d[u] : V{};
        } else if (function != LINEAR) {
            UNROLL for (int u = 0; u < COUNT; u++) d[u] *= tape.slope[group.first + u];
        }
        UNROLL for (int c = 0; c < FROM; c++) {
            back[c] = w[c] * d[0];
            UNROLL for (int u = 1; u < COUNT; u++) back[c] = w[u * (FROM + 1) + c] * d[u] + back[c];
        }
        UNROLL for (int c = 0; c < FROM; c++) {
            const V x = *tape.operand[source[c]].value;
            UNROLL for (int u = 0; u < COUNT; u++) w[u * (FROM + 1) + c] -= all_of<T>(d[u] * x) * rate;
        }
        UNROLL for (int u = 0; u < COUNT; u++) w[u * (FROM + 1) + FROM] -= all_of<T>(d[u]) * rate;
        if (group.of_data) return;
        UNROLL for (int c = 0; c < FROM; c++) d[c] = back[c];
    }

    // Steps with rows that count so much each.
    void steps(int64_t count, V counts) {
        const Step& cost = tape.g.step[tape.g.steps - 1];
        const V target = *tape.operand[cost.b].value, twice = counts * T(2);
        const int layers = neurons.groups - 1;
        const int32_t* source = neurons.source + neurons.group[0].source;
        V data[4]{};
        for (int c = 0; c < neurons.group[0].from; c++) data[c] = *tape.operand[source[c]].value;
        for (int64_t step = 0; step < count; step++) {
            V now[4] = {data[0], data[1], data[2], data[3]};
            for (int i = 0; i < layers; i++) {
                const Group& group = neurons.group[i];
                BY_SHAPE(forward_group, group, now)
            }
            V d[4] = {(now[0] - target) * twice, V{}, V{}, V{}};
            for (int i = layers - 1; i >= 0; i--) {
                const Group& group = neurons.group[i];
                BY_SHAPE(backward_group, group, d)
            }
        }
    }
};

}  // namespace
