"""A model's name or folder to a model."""
