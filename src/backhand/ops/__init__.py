"""The vocabulary: one entry per operation, with its value, derivative, shape, formula in letters and source."""
