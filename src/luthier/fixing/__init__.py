"""A mended copy of the user's files, and a log of all that was changed. The originals are only read."""
