"""What is seen of a server from outside: counters, and a line a request."""
