"""The page of `luthier drift`."""
