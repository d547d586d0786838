"""rStar-Bench: an evaluation and benchmarking suite for step-by-step mathematical search.

Importing this package costs nothing: no torch, no model, no data. See `bench.cli` for the verbs.
"""

__version__ = "0.1.0"
