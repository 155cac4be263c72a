"""What choosing costs and whether what it says comes true: a command each."""
