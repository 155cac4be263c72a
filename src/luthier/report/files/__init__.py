"""Answers as files: for people, for programs, for numpy; whole, or growing line by line."""
