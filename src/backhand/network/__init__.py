"""The one network: a frozen graph of named nodes, and two ways to read it, neuron by neuron and layer by layer."""
