"""What may stand in a row's cells, and under which name."""
