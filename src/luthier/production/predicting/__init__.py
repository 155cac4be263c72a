"""POST /predict: what is asked of it, and what it tells beside the answers."""
