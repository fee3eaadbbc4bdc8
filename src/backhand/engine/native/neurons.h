// Finds a graph's neurons and small layers.
#pragma once

#include <vector>

#include "graph.h"

// A sum z = b + Σ w·slot whose parameters stand nowhere else.
struct Neuron {
    bool is;             // whether the step is such a sum
    int32_t begin, end;  // its weights, and behind them its bias
    bool of_data;        // whether it takes columns and constants alone, which need no derivative
    bool has_bias;
};

class FoundNeurons {
    const Graph& g;
    std::vector<int> uses_;  // per slot: how often it is taken
    std::vector<Neuron> of_step_;
    std::vector<Group> groups_;
    std::vector<int32_t> source_, parameter_, place_;

    void count_uses();
    void find_neuron(int step);
    bool small(int step) const;
    bool joins(const Group& group, int step) const;
    bool follows(const Group& before, const Group& group) const;
    bool is_chain(int in_layers) const;

public:
    Neurons found;
    explicit FoundNeurons(const Graph& graph);
    FoundNeurons(const FoundNeurons&) = delete;
};
