"""How a step's gradient comes about."""
