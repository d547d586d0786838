"""Inequalities: statements read from text, proofs found and exactly checked certificates."""
