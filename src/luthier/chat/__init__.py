"""The one renderer of conversations: tokens, and which are learnt. Whoever trains, judges or serves uses it."""
