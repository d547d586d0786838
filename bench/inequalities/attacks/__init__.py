"""Attacks on the prover and its checker: false statements, changed certificates."""
