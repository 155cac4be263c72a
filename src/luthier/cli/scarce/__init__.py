"""Commands for those who have too few labelled rows: are more worth it, and which?"""
