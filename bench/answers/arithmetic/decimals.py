"""Printed decimals: the numbers that they may stand for.

A reference printed with decimals accepts what rounds to it, an exact one accepts decimals that are
close; how close is a convention.
"""

from __future__ import annotations

from dataclasses import dataclass
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


def close_enough(gold: Expression, prediction: Expression, conventions: Conventions) -> bool | None:
    """Whether a decimal on either side stands for the other side; none if there is no decimal."""
    g, p = as_decimal(gold), as_decimal(prediction)
    if g is None and p is None:
        return None
    try:
        a, b = real_value(gold), real_value(prediction)
    except Undefined:
        return None
    difference = abs(a - b)
    if g is not None:
        rounded = conventions.decimals and _may_be_rounded(g, prediction)
        half = g.unit / 2 if rounded else Fraction(0)
        if difference <= half:
            return True
        if p is not None and p.unit <= g.unit:
            return False  # printed as finely as the reference, and different
        return bool(difference <= abs(a) * _tolerance(conventions))
    assert p is not None
    value = fraction_of(gold)
    if value is not None and value.denominator == 1:
        return bool(difference <= abs(a) * min(_NOISE, _tolerance(conventions)))
    if p.digits >= _ROUNDED_DIGITS and difference <= p.unit * Fraction(51, 100):
        return True
    return bool(difference <= abs(a) * _tolerance(conventions))


def _may_be_rounded(gold: Decimal, prediction: Expression) -> bool:
    """Whether the reference can be what is left of the prediction after rounding.

    A number with one more digit would have been printed whole: 1.2 is not 1.25. An irrational one
    takes four digits: 3.14 is what some use for the circle number, and not that number.
    """
    value = fraction_of(prediction)
    if value is None:
        return gold.digits >= 4
    if gold.digits >= 4:
        return True
    return gold.digits > 1 and (value / gold.unit * 10).denominator != 1


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
