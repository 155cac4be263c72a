"""What to change so that a run fits, and how that gets into the config file."""
