"""How good a tuned model is where it was not tested: on other rows, on rows written otherwise, and where it is sure."""
