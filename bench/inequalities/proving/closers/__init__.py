"""Finding proofs that a polynomial is not negative: on the orthant, and under assumptions."""
