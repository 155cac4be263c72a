"""Numbers one can trust, and what the tuned model must beat."""
