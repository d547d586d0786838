"""Statements read from texts: Lean-like, plain text, LaTeX."""
