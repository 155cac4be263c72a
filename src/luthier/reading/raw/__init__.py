"""Bytes that can be trusted: what a file really is, unpacked, decoded, in lines."""
