"""What is searched, and where each value may lie."""
