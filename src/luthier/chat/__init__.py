"""The one renderer of conversations: to tokens, and which of these are learnt. Training, evaluation and serving use it."""
