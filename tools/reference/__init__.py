"""Pages of the documentation that are made of the program itself: what they say cannot go out of date."""
