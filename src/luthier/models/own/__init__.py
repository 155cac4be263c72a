"""Models that transformers has not, built from what it has."""
