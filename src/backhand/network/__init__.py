"""The one network: a frozen graph of named nodes, read neuron by neuron or layer by layer."""
