"""Texts as rows of hashed pieces, and where such rows are alike."""
