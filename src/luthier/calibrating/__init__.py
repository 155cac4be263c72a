"""How sure a tuned model says it is, made to agree with how often it is right."""
