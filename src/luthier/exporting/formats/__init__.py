"""The forms: a file here is one, its name (with - for _) what the user calls it."""
