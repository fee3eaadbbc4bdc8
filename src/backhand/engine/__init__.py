"""Numbers: forward, cost, backward, update, in float64; each formula is worked as it is written."""
