"""Text to tokens and back; which language a text is in."""
