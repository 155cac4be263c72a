"""Texts as vectors: written down, or made ready to be searched."""
