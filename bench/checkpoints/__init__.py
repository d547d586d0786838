"""A model by name: found, told apart by digest, turned into weights that an engine can load."""
