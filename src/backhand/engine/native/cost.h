// The costs: each row's own cost, and the deltas of the output layer. A row's outputs stand in blocks, B apart.
#pragma once

#include <cmath>

#include "activation.h"
#include "net.h"

namespace {

template <class T> INLINE T number(const Net<T>& net, const Batch<T>& batch, int64_t row, int unit) {
    const int width = net.layer[net.layers - 1].to;
    if (batch.classes) return batch.classes[row] == unit ? T(1) : T(0);
    return batch.targets[row * width + unit];
}

// One row. `a` are the outputs, `slope` their f'(z) or null, `d` receives ∂C/∂z. Gives the row's own cost.
template <class T>
static double cost_row(const Net<T>& net, const Batch<T>& batch, int64_t row, const T* a, const T* slope, T* d, size_t stride) {
    const Layer<T>& y = net.layer[net.layers - 1];
    const int n = y.to, cost = net.cost;
    auto at = [&](int j) { return size_t(j / (2 * LANES<T>)) * stride + j % (2 * LANES<T>); };
    const bool averaged = cost == MSE || cost == MAE || cost == HUBER || cost == POISSON;
    const double weight = (batch.row_weights ? batch.row_weights[row] : 1.0) * double(net.cost_factor) / (averaged ? n : 1);
    const T share = T(weight * double(batch.share));
    double own = 0;
    bool through = true;  // whether d is ∂C/∂a still, to be taken through the activation
    if (cost == SOFTMAX_CROSS_ENTROPY) {  // ∂/∂z_j = softmax(z)_j·Σt - t_j
        constexpr int L = LANES<T>;
        T top = a[0], together = 0;
        double sum = 0;
        for (int j = 1; j < n; j++) top = a[at(j)] > top ? a[at(j)] : top;
        for (int j = 0; j < n; j += L) {  // e^(z - max) goes to d for the moment
            T* to = d + at(j);
            store(to, exp_of<T>(load(a + at(j)) - top));
            for (int i = 0; i < L && j + i < n; i++) sum += to[i];
        }
        for (int j = 0; j < n; j++) together += number(net, batch, row, j);
        for (int j = 0; j < n; j++) {
            const T t = number(net, batch, row, j), p = T(d[at(j)] / sum);
            if (t != 0) own += double(t) * (log(sum) + double(top) - double(a[at(j)]));
            d[at(j)] = (p * together - t) * share;
        }
    } else if (cost == SIGMOID_CROSS_ENTROPY) {  // -t·log σ(z) - (1 - t)·log(1 - σ(z)); ∂/∂z = σ(z) - t
        for (int j = 0; j < n; j++) {
            const double t = number(net, batch, row, j), z = a[at(j)], small = exp(-std::fabs(z));  // e^-|z| never overflows
            own += (z > 0 ? z : 0) - t * z + log1p(small);
            d[at(j)] = T((z >= 0 ? 1 : small) / (1 + small) - t) * share;
        }
        through = false;
    } else {
        for (int j = 0; j < n; j++) {
            const T t = number(net, batch, row, j), v = a[at(j)], e = v - t, size = e < 0 ? -e : e;
            const T edge = net.cost_setting;
            switch (cost) {
                case SSE: case MSE: own += double(e) * e; d[at(j)] = 2 * e * share; break;
                case MAE: own += size; d[at(j)] = e > 0 ? share : e < 0 ? -share : T(0); break;
                case HUBER:
                    own += size <= edge ? double(e) * e / 2 : double(edge) * (size - double(edge) / 2);
                    d[at(j)] = (size <= edge ? e : e > 0 ? edge : -edge) * share;
                    break;
                case POISSON: own += double(v) - double(t) * log(double(v)); d[at(j)] = (1 - t / v) * share; break;
                case BINARY_CROSS_ENTROPY:
                    own -= double(t) * log(double(v)) + (1 - double(t)) * log1p(-double(v));
                    d[at(j)] = ((1 - t) / (1 - v) - t / v) * share;
                    break;
                default: own -= double(t) * log(double(v)); d[at(j)] = -t / v * share;
            }
        }
    }
    if (through && y.activation == SOFTMAX) {  // δz = a ⊙ (δa - Σ a·δa)
        T sum = 0;
        for (int j = 0; j < n; j++) sum += a[at(j)] * d[at(j)];
        for (int j = 0; j < n; j++) d[at(j)] = a[at(j)] * (d[at(j)] - sum);
    } else if (through && y.activation != LINEAR) {
        for (int j = 0; j < n; j += LANES<T>) {
            Vec<T> f = slope ? load(slope + at(j)) : slope_of_value<T>(y.activation, y.setting, load(a + at(j)));
            store(d + at(j), load(d + at(j)) * f);
        }
    }
    if (n > 1) for (int j = n; j % (2 * LANES<T>); j++) d[at(j)] = 0;  // the empty part of the last block
    return own * weight;
}

// Rows r0 … r1 of a batch: each row's own cost, and its deltas.
template <class T>
static void cost_rows(const Net<T>& net, const Batch<T>& batch, int r0, int r1, const T* a, const T* slopes, T* d, size_t stride) {
    constexpr int B = 2 * LANES<T>;
    const Layer<T>& y = net.layer[net.layers - 1];
    auto row_of = [&](int i) { return batch.order ? batch.order[batch.first + i] : batch.first + i; };
    if (y.to == 1 && y.activation == LINEAR && (net.cost == MSE || net.cost == SSE) && !batch.row_weights) {
        const T share = T(2 * double(net.cost_factor) * double(batch.share));  // a single output, which is common
        for (int i = r0; i < r1; i++) {
            const T e = a[size_t(i) * B] - number(net, batch, row_of(i), 0);
            batch.costs[i] = double(e) * e * double(net.cost_factor);
            d[size_t(i) * B] = e * share;
        }
        return;
    }
    for (int i = r0; i < r1; i++) {
        const size_t at = size_t(i) * B;
        batch.costs[i] = cost_row(net, batch, row_of(i), a + at, slopes ? slopes + at : nullptr, d + at, stride);
    }
}

}  // namespace
