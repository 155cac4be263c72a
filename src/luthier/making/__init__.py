"""A model of one's own, before there is one: its tokenizer, and its make and size."""
