"""Which of several runs is better, and whether the difference is more than chance."""
