"""What is frozen runs once, and not anew each epoch."""
