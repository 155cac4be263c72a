"""Rows that answer more than one question, each with a layout of its own."""
