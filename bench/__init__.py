"""Benchmarks: what Luthier does against what a user would otherwise run, in turn, on the same machine."""
