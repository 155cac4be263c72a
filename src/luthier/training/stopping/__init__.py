"""When and why a training ends before its last step."""
