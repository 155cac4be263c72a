"""More text from little: training rows that differ a little each time they are seen, with the same answer."""
