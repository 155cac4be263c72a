"""Rows to Examples: one file a layout of labelled data, whatever kind of file it stands in."""
