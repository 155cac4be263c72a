"""Answers that are pieces of a text: where they lie among tokens, which is best, what finds them cheaply."""
