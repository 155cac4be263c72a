"""What leaves the workshop: exported models and servers, measured."""
