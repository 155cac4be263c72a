"""What is frozen runs once, and not anew each epoch; what no text of the data needs does not take part."""
