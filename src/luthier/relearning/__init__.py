"""A model goes on learning from what people said it got wrong, and has to prove that it is no worse for it."""
