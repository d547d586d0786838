"""Where in a response the answer is."""
