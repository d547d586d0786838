"""What the checker of proofs is made of: exact arithmetic, data, what is known of signs.

Nothing here belongs to the prover, and the prover uses nothing of it.
"""
