"""Coverage-guided fuzzing of what reads texts and bytes that nobody vouches for: a target a module.

A target has `SEEDS` and `try_input`, which raises where a promise is broken: an exception that is
not documented, an answer that contradicts another. What was found is in `FOUND`, as the bytes that
showed it, and is tried with the seeds by the tests. See `__main__` to run one.
"""

TARGETS = ("grammar", "tags", "store", "wire", "statements", "proofs")
