"""Several windows in one row of a model's input."""
