"""What the checker of proofs is made of: exact arithmetic, a certificate's data, and its steps.

Nothing here belongs to the prover, and the prover uses nothing of it.
"""
