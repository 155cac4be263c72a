"""Will it fit, and how long will it take? Reckoned first, then confirmed by a few real steps."""
