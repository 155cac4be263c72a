"""How plain text becomes what a language model learns from: the next token, or hidden ones."""
