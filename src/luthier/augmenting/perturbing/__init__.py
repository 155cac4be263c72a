"""Texts written otherwise that mean the same: how people mistype, shout, and put things."""
