"""The command line: it parses and shows; the work lies below. One file a command."""
