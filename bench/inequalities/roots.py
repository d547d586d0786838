"""Roots of whole numbers and rationals, exactly."""

from __future__ import annotations

from fractions import Fraction


def floor_root(value: int, index: int) -> int:
    """Return the largest whole number whose power is not above `value >= 0`, by Newton's steps."""
    if value < 2 or index == 1:
        return value
    if index >= value.bit_length():
        return 1
    root = 1 << -(-value.bit_length() // index)
    while True:
        smaller = ((index - 1) * root + value // root ** (index - 1)) // index
        if smaller >= root:
            return root
        root = smaller


def exact_root(value: Fraction, index: int) -> Fraction | None:
    """Return the root of a rational that is not negative; None where it is irrational."""
    if index == 1:
        return value
    if value < 0:
        return None
    root = Fraction(floor_root(value.numerator, index), floor_root(value.denominator, index))
    return root if root**index == value else None
