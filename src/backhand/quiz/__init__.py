"""Exercises: made with friendly numbers that tell every slip apart, for paper and for learning platforms."""
