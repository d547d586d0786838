"""Rational numbers that are ints where they are whole: sums of terms compute with little else.

An int is equal to the Fraction of its value and has the same hash, so that both may be mixed. Of
two ints `/` and `**` may give a float: `divide` and `raise_to` stand for them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

Number: TypeAlias = int | Fraction


def settle(value: Number) -> Number:
    """Return a number as an int, if it is whole."""
    return value if isinstance(value, int) or value.denominator > 1 else value.numerator


def divide(left: Number, right: Number) -> Number:
    """Return a quotient."""
    if right == 1:
        return left
    if isinstance(left, int) and isinstance(right, int) and not left % right:
        return left // right
    return settle(Fraction(left, right))


def raise_to(base: Number, exponent: int) -> Number:
    """Return a power; a base of 0 has no negative ones."""
    if exponent >= 0:
        power: Number = base**exponent
        return power
    return divide(1, raise_to(base, -exponent))
