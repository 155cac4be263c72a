"""What the page asks, one file a question."""
