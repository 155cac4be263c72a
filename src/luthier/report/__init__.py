"""Reading and showing: the run as JSON, as a page, as a model card."""
