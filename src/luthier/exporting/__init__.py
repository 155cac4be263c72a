"""A finished run handed over in another form, after it was held against the original."""
