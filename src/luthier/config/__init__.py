"""One YAML file, and key=value on the command line, to typed settings."""
