"""Where data may be beside one file on this machine: folders, addresses, databases, hubs."""
