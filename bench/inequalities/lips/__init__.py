"""LIPS: scaling by lemmas and rewriting, searched best first."""

LOOPS = 200
"""Inequalities that a search takes up at most (LIPS: 200)."""
KEPT = 10
"""Children of an inequality that are kept, the cheapest ones (LIPS: 10)."""
ALL = "all"
"""The name of the learnt weights that every benchmark took part in."""
