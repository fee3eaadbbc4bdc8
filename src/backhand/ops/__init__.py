"""The vocabulary: one entry per operation, with its value, derivative, formula in letters and source."""
