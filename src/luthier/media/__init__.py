"""Files of images and sounds: which they are, whether they can be read, and what is in them."""
