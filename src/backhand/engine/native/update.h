// The update rules, formulas as in ops/updates.py, a register of weights at a time.
#pragma once

#include "net.h"
#include "vec.h"

namespace {

// Changes `count` weights, whole registers of them. `m` and `s` are the rule's state, as far as it has one.
template <class T> INLINE void update_with(const Net<T>& net, T decay, T* w, const T* g, T* m, T* s, T* kept, int count) {
    const Update& u = net.update;
    const T rate = T(u.rate), first = T(u.first), second = T(u.second), third = T(u.third), fourth = T(u.fourth);
    auto gradient = [&](int i) { return decay != 0 ? load(w + i) * decay + load(g + i) : load(g + i); };
    switch (u.rule) {
        case GRADIENT:
            for (int i = 0; i < count; i += LANES<T>) store(kept + i, gradient(i));
            return;
        case SGD:
            for (int i = 0; i < count; i += LANES<T>) store(w + i, load(w + i) - gradient(i) * rate);
            return;
        case MOMENTUM: case NESTEROV:  // first: μ
            for (int i = 0; i < count; i += LANES<T>) {
                Vec<T> d = gradient(i) * rate, v = load(m + i) * first - d;
                store(m + i, v);
                store(w + i, load(w + i) + (u.rule == MOMENTUM ? v : v * first - d));
            }
            return;
        case ADAGRAD:  // first: ε
            for (int i = 0; i < count; i += LANES<T>) {
                Vec<T> d = gradient(i), v = d * d + load(m + i);
                store(m + i, v);
                store(w + i, load(w + i) - d * rate / (root(v) + first));
            }
            return;
        case RMSPROP:  // first: ρ, second: ε
            for (int i = 0; i < count; i += LANES<T>) {
                Vec<T> d = gradient(i), v = load(m + i) * first + d * d * (T(1) - first);
                store(m + i, v);
                store(w + i, load(w + i) - d * rate / (root(v) + second));
            }
            return;
        case ADAM: case ADAMW: {  // adam: β1, β2, ε; adamw: λ before them
            const bool own = u.rule == ADAMW;
            const T beta1 = own ? second : first, beta2 = own ? third : second, eps = own ? fourth : third;
            const T less1 = T(1 - (own ? u.second : u.first)), less2 = T(1 - (own ? u.third : u.second));
            const T shrink = own ? rate * first : T(0), a = net.step_a, c = net.step_c;
            for (int i = 0; i < count; i += LANES<T>) {
                Vec<T> d = gradient(i), old = load(w + i);
                Vec<T> moment = load(m + i) * beta1 + d * less1, square = load(s + i) * beta2 + d * d * less2;
                store(m + i, moment);
                store(s + i, square);
                Vec<T> step = moment * a / (root(square) * c + eps);
                store(w + i, own ? old - step - old * shrink : old - step);
            }
            return;
        }
    }
}

}  // namespace
