"""The search stage: the pool, who searches it, trees until solved, coverage."""
