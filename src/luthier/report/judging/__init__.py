"""Runs beside each other on a page: seeds of one, and several against each other."""
