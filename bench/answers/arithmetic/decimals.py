"""Printed decimals: the numbers that they may stand for.

A reference printed with decimals accepts what rounds to it, an exact one accepts decimals that are
close; how close is a convention.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from bench.answers.arithmetic.exact import fraction_of
from bench.answers.arithmetic.numeric import Undefined, context, evaluate, is_real
from bench.answers.conventions import Conventions
from bench.answers.expressions import Apply, Expression, Number, Power, Product

FEW, MANY = 30, 110
"""Digits: a difference below what the first resolves is looked at with the second."""


_NOISE = Fraction(1, 10**9)
"""What floating-point arithmetic may have done to an integer."""


_ROUNDED_DIGITS = 5
"""A prediction of so many significant digits, correctly rounded, stands for an exact reference."""


_SHORT_BITS = 4000
"""Numbers beyond are compared exactly or not at all: nobody rounds them."""


@dataclass(frozen=True, slots=True)
class Decimal:
    """A number printed with decimals, possibly times a power of ten."""

    value: Fraction
    unit: Fraction
    """The value of one unit in its last digit."""
    digits: int


def as_decimal(x: Expression) -> Decimal | None:
    """Return the expression as a printed decimal, if it is one."""
    match x:
        case Number(value, decimals, digits) if decimals is not None:
            return Decimal(value, Fraction(10) ** -decimals, digits)
        case Product(factors):
            found: Decimal | None = None
            scale = Fraction(1)
            for factor in factors:
                inner = as_decimal(factor)
                if inner is not None and found is None:
                    found = inner
                    continue
                power = _power_of_ten(factor)
                if power is None:
                    return None
                scale *= power
            if found is None:
                return None
            return Decimal(found.value * scale, found.unit * abs(scale), found.digits)
        case Apply("percent", (inner,)):
            found = as_decimal(inner)
            return found and Decimal(found.value / 100, found.unit / 100, found.digits)
        case _:
            return None


def _power_of_ten(x: Expression) -> Fraction | None:
    if isinstance(x, Number) and x.value == -1:
        return x.value
    if isinstance(x, Power | Number):
        value = fraction_of(x)
        if value is not None and 0 < value and _is_short(value):
            n = value.numerator * value.denominator
            if min(value.numerator, value.denominator) == 1 and str(n).strip("0") == "1":
                return value
    return None


def _is_short(value: Fraction) -> bool:
    return value.numerator.bit_length() + value.denominator.bit_length() < _SHORT_BITS


class Closeness(StrEnum):
    """What a printed decimal is to the number on the other side, in words for a verdict."""

    SAME = "the same value"
    ROUNDED = "it rounds to the reference at the last digit printed there"
    CORRECTLY_ROUNDED = "the reference rounds to it, at five digits or more"
    TOLERATED = "the same value within the tolerance"
    NOT_ROUNDED = "not the same value: it does not round to the reference"
    APART = "not the same value"

    @property
    def accepted(self) -> bool:
        """Whether the one stands for the other."""
        return self not in (Closeness.NOT_ROUNDED, Closeness.APART)


def closeness(
    gold: Expression, prediction: Expression, conventions: Conventions
) -> Closeness | None:
    """Return how near two constants are; None where neither is a printed decimal."""
    g, p = as_decimal(gold), as_decimal(prediction)
    if g is None and p is None:
        return None
    try:
        a, b = real_value(gold), real_value(prediction)
    except Undefined:
        return None
    if a == b:
        return Closeness.SAME
    difference, tolerance = abs(a - b), _tolerance(conventions)
    if g is not None:
        if conventions.decimals and rounds_to(b, g, prediction):
            return Closeness.ROUNDED
        finely = p is not None and p.unit <= g.unit
        if finely or difference > abs(a) * tolerance:
            return Closeness.NOT_ROUNDED
        return Closeness.TOLERATED
    assert p is not None
    value = fraction_of(gold)
    if value is not None and value.denominator == 1:
        tolerance = min(_NOISE, tolerance)
    elif p.digits >= _ROUNDED_DIGITS and difference <= p.unit * Fraction(51, 100):
        return Closeness.CORRECTLY_ROUNDED
    return Closeness.TOLERATED if difference <= abs(a) * tolerance else Closeness.APART


def rounds_to(value: Fraction, gold: Decimal, prediction: Expression) -> bool:
    """Whether a number rounds to a printed decimal: at its last digit, halves away from zero.

    A decimal of one digit is exact, and so is one that is a whole number, 2.0. An irrational number
    takes four digits: 3.14 is what some use for the circle number, and not that number.
    """
    if gold.value.denominator == 1 and gold.unit < 1:
        return False
    if gold.digits < (2 if fraction_of(prediction) is not None else 4):
        return False
    size = abs(value) if (value < 0) == (gold.value < 0) else -abs(value)
    half = gold.unit / 2
    return abs(gold.value) - half <= size < abs(gold.value) + half


def _tolerance(conventions: Conventions) -> Fraction:
    return Fraction(conventions.tolerance).limit_denominator(10**15)


def real_value(x: Expression) -> Fraction:
    """Return a constant as a fraction, to `FEW` digits.

    Raises Undefined: it is not real, or too large to be rounded by anybody.
    """
    value = fraction_of(x)
    if value is not None:
        return value
    approximate = evaluate(x, {}, FEW)
    mp = context(FEW)
    if approximate == 0:
        return Fraction(0)
    if not is_real(mp, approximate) or abs(mp.mag(approximate)) > _SHORT_BITS:
        raise Undefined("not real, or too large to be compared by digits")
    return Fraction(mp.nstr(mp.re(approximate), FEW))
