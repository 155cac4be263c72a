"""What choosing costs and what it gains."""
