"""Models that write, against what people use today: a command a task."""
