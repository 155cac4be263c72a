"""Language models against what a user would otherwise run."""
