"""What a server was asked and answered, in a database: numbers and hashes, and texts only where they are wanted."""
