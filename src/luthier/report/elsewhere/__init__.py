"""How a model does where it was not tested, as JSON and as a page."""
