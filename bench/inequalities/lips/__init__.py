"""LIPS: scaling by lemmas and rewriting, searched best first."""
