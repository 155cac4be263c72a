"""Files, folders, addresses and queries to rows: what they really are, unpacked, decoded, one row at a time."""
