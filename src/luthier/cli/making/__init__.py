"""Commands that make what a model from nothing begins with."""
