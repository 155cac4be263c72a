"""How weights change; nothing else changes them."""
