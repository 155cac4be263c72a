"""Pieces of a text that are marked: by tags on its words, or by spans of its characters."""
