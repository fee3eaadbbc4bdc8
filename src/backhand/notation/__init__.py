"""Names and symbols: expressions, how they are printed, and the one place where numbers are rounded."""
