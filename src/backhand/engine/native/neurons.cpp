#include "neurons.h"

#include "net.h"

FoundNeurons::FoundNeurons(const Graph& graph) : g(graph), uses_(size_t(first_step_of(graph)) + graph.steps), of_step_(graph.steps), place_(graph.parameters, -1) {
    count_uses();
    for (int k = 0; k < g.steps; k++) find_neuron(k);
    for (int k = 0; k < g.steps; k++) {
        if (!groups_.empty() && joins(groups_.back(), k)) {
            groups_.back().count++;
        } else {
            const Neuron& n = of_step_[k];
            groups_.push_back(Group{k, 1, small(k) ? n.end - n.begin : 0, 0, 0, n.of_data, false, false});
        }
    }
    for (size_t i = 1; i < groups_.size(); i++) {
        groups_[i].follows = follows(groups_[i - 1], groups_[i]);
        groups_[i - 1].followed = groups_[i].follows;
    }
    int next = 0;
    for (Group& group : groups_) {
        if (!group.from) continue;
        group.parameter = next, group.source = of_step_[group.first].begin;
        for (int i = 0; i < group.count * (group.from + 1); i++) place_[parameter_[group.source + i]] = next++;
    }
    const int in_layers = next;
    for (int& place : place_)
        if (place < 0) place = next++;
    found = Neurons{groups_.data(), int(groups_.size()), source_.data(), place_.data(), in_layers, is_chain(in_layers)};
}

void FoundNeurons::count_uses() {
    for (int k = 0; k < g.steps; k++) {
        const Step& s = g.step[k];
        for (int e = s.first; e < s.end; e++) {
            uses_[g.edge[e].x]++;
            if (g.edge[e].y >= 0) uses_[g.edge[e].y]++;
        }
        if (s.operation == SUM || s.operation == LOG_SUM_EXP) continue;
        uses_[s.a]++;
        if (s.operation != POWER && s.operation != HUBER_OF) uses_[s.b]++;
    }
}

void FoundNeurons::find_neuron(int k) {
    const Step& s = g.step[k];
    Neuron& n = of_step_[k];
    bool is = s.operation == SUM, data = true;
    int biases = 0;
    for (int e = s.first; e < s.end; e++) {
        const Edge edge = g.edge[e];
        is = is && edge.x < g.parameters && uses_[edge.x] == 1 && (edge.y < 0 || edge.y >= g.parameters);
        biases += edge.y < 0;
        data = data && edge.y < first_step_of(g);
    }
    n.begin = n.end = int32_t(source_.size());
    n.is = is && biases <= 1;
    if (!n.is) return;
    n.has_bias = biases == 1, n.of_data = data;
    auto put = [&](bool bias) {
        for (int e = s.first; e < s.end; e++)
            if ((g.edge[e].y < 0) == bias) source_.push_back(g.edge[e].y), parameter_.push_back(g.edge[e].x);
    };
    put(false);
    n.end = int32_t(source_.size());
    put(true);
}

// Whether a step is a neuron with a bias, of 1 to 4 slots: all columns of the data, or all steps.
bool FoundNeurons::small(int k) const {
    const Neuron& n = of_step_[k];
    if (!n.is || !n.has_bias || n.end == n.begin || n.end - n.begin > 4) return false;
    for (int i = n.begin; i < n.end; i++)
        if (source_[i] < first_step_of(g) && (!n.of_data || source_[i] >= g.parameters + g.columns)) return false;
    return true;
}

bool FoundNeurons::joins(const Group& group, int k) const {
    if (!small(k)) return group.from == 0;
    if (group.from == 0 || group.count == 4) return false;
    const Neuron &a = of_step_[group.first], &b = of_step_[k];
    const Step &s = g.step[group.first], &t = g.step[k];
    if (a.end - a.begin != b.end - b.begin || s.function != t.function || s.number != t.number) return false;
    for (int i = 0; i < a.end - a.begin; i++)
        if (source_[a.begin + i] != source_[b.begin + i]) return false;
    return true;
}

bool FoundNeurons::follows(const Group& before, const Group& group) const {
    if (!before.from) return false;
    const int out = first_step_of(g) + before.first;
    if (!group.from) {  // a cost (a - b)²
        const Step& s = g.step[group.first];
        return group.count == 1 && s.operation == SQUARED && group.first == g.steps - 1 && before.count == 1 &&
               s.a == out && uses_[out] == 1 && s.b >= g.parameters && s.b < first_step_of(g);
    }
    if (group.from != before.count) return false;
    const int begin = of_step_[group.first].begin;
    for (int c = 0; c < group.from; c++)
        if (source_[begin + c] != out + c || uses_[out + c] != group.count) return false;
    return true;
}

bool FoundNeurons::is_chain(int in_layers) const {
    if (groups_.size() < 2 || !groups_.front().of_data || !groups_.front().from) return false;
    for (size_t i = 1; i < groups_.size(); i++)
        if (!groups_[i].follows) return false;
    for (int place : place_)
        if (place >= in_layers) return false;
    return !groups_.back().from;
}
