"""Rare classes: remedies, and which of them helps on the data at hand."""
