"""Numbers: forward, cost, backward, update. The reference engine works in float64, each formula as it is written."""
