"""Which rows train, which choose the checkpoint, which judge the result."""
