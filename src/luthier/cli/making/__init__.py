"""Commands that make a file to begin with: a tokenizer with its untrained model, the configuration's schema."""
