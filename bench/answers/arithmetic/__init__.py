"""Values: exact where they can be, modulo a prime, then by as many digits as it takes."""
