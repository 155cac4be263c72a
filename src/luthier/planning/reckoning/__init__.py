"""What a run will take, reckoned before any step is made."""
