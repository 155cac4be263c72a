"""Which settings? Trainings are tried out, judged on validation rows; the winner is tested once."""
