"""Commands for those who have to choose: a model, a plan, settings."""
