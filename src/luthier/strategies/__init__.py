"""Several ways to tune, on one split with one budget: which is worth its cost?"""
