"""Steps: what the engine computed, told in letters, in numbers and as a result."""
