"""What `luthier` answers before, beside and after a training, measured."""
