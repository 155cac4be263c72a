"""Which weights move. Every public function of methods.py is a tuning method."""
