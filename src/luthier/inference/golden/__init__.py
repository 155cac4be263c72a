"""A few rows that travel with a model, and what it answered to them when it was evaluated."""
