"""What the report tells of models that write, and of no others."""
