// The tape's steps, forward and backward, a few registers at a time.
#pragma once

#include "activation.h"
#include "graph.h"

namespace {

template <class T> struct Tape {
    using V = Vec<T>;
    // Where a slot stands. `next` is 0 where one register stands for all rows, else 1.
    struct Operand {
        V *value, *adjoint;
        int next;
    };
    const Graph& g;
    const int wide, first_step;
    V *parameter, *gradient, *value, *slope, *adjoint;  // the last three: of the steps, [step][wide]
    Operand* operand;

    static size_t room(const Graph& g, int wide) {
        const size_t slots = size_t(first_step_of(g)) + g.steps;
        return (2 * size_t(g.parameters) + g.constants + 3 * size_t(g.steps) * wide) * sizeof(V) + slots * sizeof(Operand) + 64;
    }
    // `room`: aligned, and 0 throughout.
    // `place`: where each parameter stands.
    Tape(const Graph& graph, const int32_t* place, int width, void* room)
        : g(graph), wide(width), first_step(first_step_of(graph)), parameter(static_cast<V*>(room)) {
        const size_t each = size_t(g.steps) * wide;
        gradient = parameter + g.parameters;
        V* constant = gradient + g.parameters;
        value = constant + g.constants, slope = value + each, adjoint = slope + each;
        operand = reinterpret_cast<Operand*>(adjoint + each);
        for (int i = 0; i < g.parameters; i++) operand[i] = Operand{parameter + place[i], gradient + place[i], 0};
        for (int i = 0; i < g.columns; i++) operand[g.parameters + i] = Operand{nullptr, nullptr, 1};
        for (int i = 0; i < g.constants; i++) {
            constant[i] += T(g.numbers[i]);
            operand[g.parameters + g.columns + i] = Operand{constant + i, nullptr, 0};
        }
        for (int k = 0; k < g.steps; k++)
            operand[first_step + k] = Operand{value + size_t(k) * wide, adjoint + size_t(k) * wide, 1};
    }
    // Takes the rows of the data from here, [column][wide].
    void look_at(V* data) {
        for (int c = 0; c < g.columns; c++) operand[g.parameters + c].value = data + size_t(c) * wide;
    }

    static V apply(int function, T number, V z, V& slope) {
        switch (function) {
            case EXP: return slope = lane_by_lane(z, [](double x) { return std::exp(x); });
            case LOG: slope = T(1) / z; return lane_by_lane(z, [](double x) { return std::log(x); });
            case SQRT: { V r = root(z); slope = T(0.5) / r; return r; }
            case ABS: {
                V none{}, one = all<T>(1);
                slope = z > T(0) ? one : (z < T(0) ? -one : none);
                return size_of<T>(z);
            }
            default: {
                V a = activate<T>(function, number, z, slope);
                if (slope_from_value(function, double(number))) slope = slope_of_value<T>(function, number, a);
                return a;
            }
        }
    }
    template <class F> static V lane_by_lane(V z, F f) {
        for (int i = 0; i < LANES<T>; i++) z[i] = T(f(double(z[i])));
        return z;
    }
    static V raised(V a, V b) {
        for (int i = 0; i < LANES<T>; i++) a[i] = T(std::pow(double(a[i]), double(b[i])));
        return a;
    }

    // Work on step k, four registers at a time as long as there are four.
    void forward(int k) {
        int r = 0;
        for (; r + 4 <= wide; r += 4) forward<4>(k, r);
        for (; r < wide; r++) forward<1>(k, r);
    }
    void backward(int k) {
        if (!g.needed[first_step + k]) return;
        int r = 0;
        for (; r + 4 <= wide; r += 4) backward<4>(k, r);
        for (; r < wide; r++) backward<1>(k, r);
    }

    template <int R> INLINE_MEMBER void forward(int k, int r) {
        const Step& s = g.step[k];
        V* out = operand[first_step + k].value + r;
        auto at = [&](int slot, int i) { return operand[slot].value[operand[slot].next ? r + i : 0]; };
        switch (s.operation) {
            case SUM: {
                V z[R]{};
                for (int e = s.first; e < s.end; e++) {
                    const Operand x = operand[g.edge[e].x];
                    const V* a = x.value + (x.next ? r : 0);
                    if (g.edge[e].y < 0) {
                        UNROLL for (int i = 0; i < R; i++) z[i] += a[i * x.next];
                        continue;
                    }
                    const Operand y = operand[g.edge[e].y];
                    const V* b = y.value + (y.next ? r : 0);
                    if (!x.next) {  // a weight, mostly
                        const V w = *a;
                        UNROLL for (int i = 0; i < R; i++) z[i] = w * b[i * y.next] + z[i];
                    } else {
                        UNROLL for (int i = 0; i < R; i++) z[i] = a[i] * b[i * y.next] + z[i];
                    }
                }
                if (s.function == LINEAR) {
                    UNROLL for (int i = 0; i < R; i++) out[i] = z[i];
                } else if (s.function == RELU) {
                    UNROLL for (int i = 0; i < R; i++) out[i] = larger<T>(V{}, z[i]);
                } else {
                    V* f = slope + size_t(k) * wide + r;
                    for (int i = 0; i < R; i++) out[i] = apply(s.function, T(s.number), z[i], f[i]);
                }
                break;
            }
            case QUOTIENT:
                for (int i = 0; i < R; i++) out[i] = at(s.a, i) / at(s.b, i);
                break;
            case POWER:
                for (int i = 0; i < R; i++) {
                    const double n = s.number;
                    const V x = at(s.a, i);
                    out[i] = n == 2 ? x * x : lane_by_lane(x, [n](double v) { return std::pow(v, n); });
                }
                break;
            case RAISED:
                for (int i = 0; i < R; i++) out[i] = raised(at(s.a, i), at(s.b, i));
                break;
            case LARGER: case SMALLER:
                for (int i = 0; i < R; i++) {
                    const V x = at(s.a, i), y = at(s.b, i);
                    out[i] = s.operation == LARGER ? (x < y ? y : x) : (y < x ? y : x);
                }
                break;
            case LOG_SUM_EXP:
                for (int i = 0; i < R; i++) {
                    V top = at(g.edge[s.first].x, i), sum{};
                    for (int e = s.first + 1; e < s.end; e++) top = larger<T>(top, at(g.edge[e].x, i));
                    for (int e = s.first; e < s.end; e++) sum += exp_of<T>(at(g.edge[e].x, i) - top);
                    out[i] = top + lane_by_lane(sum, [](double x) { return std::log(x); });
                }
                break;
            case SQUARED:
                for (int i = 0; i < R; i++) {
                    const V e = at(s.a, i) - at(s.b, i);
                    out[i] = e * e;
                }
                break;
            case HUBER_OF:
                for (int i = 0; i < R; i++) {
                    const T edge = T(s.number);
                    const V e = at(s.a, i), size = size_of<T>(e), small = e * e * T(0.5);
                    out[i] = size <= edge ? small : (size - edge / 2) * edge;
                }
                break;
        }
    }

    // Gives step k's adjoint on to what it was made of.
    template <int R> INLINE_MEMBER void backward(int k, int r) {
        const Step& s = g.step[k];
        V* const d_of_step = adjoint + size_t(k) * wide + r;
        const V* const out = operand[first_step + k].value + r;
        V d[R];
        UNROLL for (int i = 0; i < R; i++) d[i] = d_of_step[i];
        auto at = [&](int slot, int i) { return operand[slot].value[operand[slot].next ? r + i : 0]; };
        auto give = [&](int slot, auto share) {
            if (!g.needed[slot]) return;
            const Operand to = operand[slot];
            if (to.next) {
                UNROLL for (int i = 0; i < R; i++) to.adjoint[r + i] += share(i);
            } else {
                V sum = *to.adjoint;
                UNROLL for (int i = 0; i < R; i++) sum += share(i);
                *to.adjoint = sum;
            }
        };
        switch (s.operation) {
            case SUM:
                if (s.function == RELU) {
                    UNROLL for (int i = 0; i < R; i++) d[i] = out[i] > T(0) ? d[i] : V{};
                } else if (s.function != LINEAR) {
                    UNROLL for (int i = 0; i < R; i++) d[i] *= slope[size_t(k) * wide + r + i];
                }
                for (int e = s.first; e < s.end; e++) {
                    const Edge edge = g.edge[e];
                    if (edge.y < 0) {
                        give(edge.x, [&](int i) { return d[i]; });
                        continue;
                    }
                    give(edge.y, [&](int i) { return d[i] * at(edge.x, i); });
                    give(edge.x, [&](int i) { return d[i] * at(edge.y, i); });
                }
                break;
            case QUOTIENT:
                give(s.a, [&](int i) { return d[i] / at(s.b, i); });
                give(s.b, [&](int i) { return -d[i] / at(s.b, i) * out[i]; });
                break;
            case POWER: {
                const double n = s.number;
                auto below = [n](V x) { return n == 2 ? x : lane_by_lane(x, [n](double v) { return std::pow(v, n - 1); }); };
                give(s.a, [&](int i) { return d[i] * T(n) * below(at(s.a, i)); });
                break;
            }
            case RAISED:
                give(s.a, [&](int i) { return d[i] * at(s.b, i) * raised(at(s.a, i), at(s.b, i) - T(1)); });
                give(s.b, [&](int i) {
                    return d[i] * out[i] * lane_by_lane(at(s.a, i), [](double x) { return std::log(x); });
                });
                break;
            case LARGER: case SMALLER: {
                auto second = [&](int i) {
                    return s.operation == LARGER ? at(s.a, i) < at(s.b, i) : at(s.b, i) < at(s.a, i);
                };
                give(s.a, [&](int i) { return second(i) ? V{} : d[i]; });
                give(s.b, [&](int i) { return second(i) ? d[i] : V{}; });
                break;
            }
            case LOG_SUM_EXP:
                for (int e = s.first; e < s.end; e++)
                    give(g.edge[e].x, [&](int i) { return d[i] * exp_of<T>(at(g.edge[e].x, i) - out[i]); });
                break;
            case SQUARED:
                give(s.a, [&](int i) { return (at(s.a, i) - at(s.b, i)) * d[i] * T(2); });
                give(s.b, [&](int i) { return (at(s.b, i) - at(s.a, i)) * d[i] * T(2); });
                break;
            case HUBER_OF: {
                const T edge = T(s.number);
                give(s.a, [&](int i) {
                    const V e = at(s.a, i), far = e > T(0) ? all<T>(edge) : -all<T>(edge);
                    return d[i] * (size_of<T>(e) <= edge ? e : far);
                });
                break;
            }
        }
    }
};

}  // namespace
