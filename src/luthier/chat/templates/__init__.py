"""Which template a model is to have, tried and proven before anything is trained."""
