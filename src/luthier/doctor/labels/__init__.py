"""What is wrong with the labels, and with how they hang together with the texts."""
