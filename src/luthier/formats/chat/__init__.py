"""Conversations: turns, calls of tools, and the layouts in which people keep them."""
