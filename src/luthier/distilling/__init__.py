"""A smaller model learns from what a tuned one says."""
