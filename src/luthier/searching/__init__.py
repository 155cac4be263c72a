"""Vectors held against each other: queries that find documents."""
