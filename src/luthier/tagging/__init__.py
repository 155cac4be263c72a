"""Entities as tags of words: which token is part of which word, which tags may follow each other."""
