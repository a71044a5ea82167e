"""Recorded changes with the reviews they must get; the examples are in docs/examples/reviews."""
