"""Connections: what each may take, and the server that holds them."""
