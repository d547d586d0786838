r"""Whether two expressions are equal: first as fractions, then modulo a prime, then by digits.

The first two are exact in both directions (`bench.answers.exact`). The third evaluates both at
fixed points, twice for constants: a difference that is zero shrinks as digits are added, one that
is not stays. Equal everywhere both are real is equal: `(x^2-1)/(x+1)` and `x-1` are, `\sqrt{x^2}`
and `x` are not. What no method decides is `None`, never `True`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from bench.answers.conventions import Conventions
from bench.answers.exact import PRIME, NotRational, fraction_of, residue
from bench.answers.expressions import (
    INFINITY,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    variables,
    walk,
)
from bench.answers.numeric import KNOWN, Undefined, context, evaluate, is_real

_FEW, _MANY = 30, 110
"""Digits: a difference below what the first resolves is looked at with the second."""
_DIGITS = 40
_ENOUGH = 4
"""Points at which both sides have a value, and the same one."""
_PLENTY = 24
_NOISE = Fraction(1, 10**9)
"""What floating-point arithmetic may have done to an integer."""
_ROUNDED_DIGITS = 5
"""A prediction of so many significant digits, correctly rounded, stands for an exact reference."""
_BRANCHES = frozenset("ln log arcsin arccos arctan arccot arcsec arccsc arccosh arctanh".split())
_SHORT_BITS = 4000
"""Numbers beyond are compared exactly or not at all: nobody rounds them."""
_COUNTERS = frozenset("n k m j l N".split())
_INTEGRAL = frozenset(("factorial", "factorial2", "binomial", "gcd", "lcm", "sum", "prod"))


@dataclass(frozen=True, slots=True)
class Decimal:
    """A number printed with decimals, possibly times a power of ten."""

    value: Fraction
    unit: Fraction
    """Of its last digit."""
    digits: int


def equal(gold: Expression, prediction: Expression, conventions: Conventions) -> bool | None:
    """Whether the prediction equals the reference, printed decimals understood as such.

    Raises TooLarge: a value that is not worked out.
    """
    if gold == prediction:
        return True
    exact = identical(gold, prediction)
    if exact is True or variables(gold) or variables(prediction):
        return exact
    if INFINITY in (gold, prediction):
        return exact
    close = _close(gold, prediction, conventions)
    return exact if close is None else close


def identical(a: Expression, b: Expression) -> bool | None:
    """Whether two expressions are the same constant or the same function; no tolerance."""
    if a == b:
        return True
    names = variables(a) | variables(b)
    infinite = [any(node == INFINITY for node in walk(x)) for x in (a, b)]
    if any(infinite):
        return _infinite(a, b)
    if not names:
        x, y = fraction_of(a), fraction_of(b)
        if x is not None and y is not None:
            return x == y
    if variables(a) != variables(b) and not _may_cancel(a, b):
        return False
    try:
        rational = all(
            residue(a, point) == residue(b, point) for point in _residues(frozenset(names))
        )
        return rational
    except NotRational:
        pass
    return _same_function(a, b, names) if names else _same_constant(a, b)


def _may_cancel(a: Expression, b: Expression) -> bool:
    """Whether a variable of one side only can drop out, as in `x^2 - x^2`: not if all is flat."""
    return True


def _infinite(a: Expression, b: Expression) -> bool:
    signs = [_infinity_sign(x) for x in (a, b)]
    return signs[0] is not None and signs[0] == signs[1]


def _infinity_sign(x: Expression) -> int | None:
    """+1 or -1 for a signed infinity and nothing else; an infinity times two is no answer."""
    if x == INFINITY:
        return 1
    if isinstance(x, Product) and x.factors[-1] == INFINITY and len(x.factors) == 2:
        factor = x.factors[0]
        if isinstance(factor, Number) and factor.value == -1:
            return -1
    return None


@lru_cache(maxsize=256)
def _residues(names: frozenset[str]) -> list[dict[str, int]]:
    """Two points, the same ones for the same names whenever and wherever this runs."""
    source = random.Random(" ".join(sorted(names)))
    everything = sorted(names | {"pi", "e"})
    return [{name: source.randrange(2, PRIME) for name in everything} for _ in range(2)]


def _same_constant(a: Expression, b: Expression) -> bool | None:
    differences, sizes = [], []
    for digits in (_FEW, _MANY):
        try:
            x, y = evaluate(a, {}, digits), evaluate(b, {}, digits)
        except Undefined:
            return None
        differences.append(abs(x - y))
        sizes.append(max(abs(x), abs(y)))
        if digits == _FEW and differences[0] > sizes[0] / 10**6 and sizes[0] > 1e-6:
            return False
    mp = context(_MANY)
    few, many = differences
    if many == 0:
        return True
    if few == 0:
        return bool(many < sizes[1] * mp.mpf(10) ** (-_MANY + 15))
    return bool(many < few * mp.mpf(10) ** (-(_MANY - _FEW) // 2))


def _same_function(a: Expression, b: Expression, names: frozenset[str]) -> bool | None:
    imaginary = any(node == Symbol("i") for x in (a, b) for node in walk(x))
    branches = any(_has_branches(n) for x in (a, b) for n in walk(x))
    agreed = 0
    for point in _points(names, integral_variables(a) | integral_variables(b), _is_signed(a, b)):
        try:
            x, y = evaluate(a, point, _DIGITS), evaluate(b, point, _DIGITS)
        except Undefined:
            continue
        mp = context(_DIGITS)
        same = abs(x - y) <= max(abs(x), abs(y), mp.mpf(10) ** -8) * mp.mpf(10) ** (-_DIGITS // 2)
        if not imaginary:
            real = is_real(mp, x), is_real(mp, y)
            if real[0] != real[1]:
                continue  # only one of them has a value here
            if not real[0] and not same and branches:
                continue  # logarithms and roots may differ by a turn where neither is real
        if not same:
            return False
        agreed += 1
        if agreed >= _PLENTY:
            break
    return True if agreed >= _ENOUGH else None


def _has_branches(x: Expression) -> bool:
    if isinstance(x, Power):
        exponent = fraction_of(x.exponent)
        return exponent is not None and exponent.denominator != 1
    return isinstance(x, Apply) and (x.function in _BRANCHES or x.function == "root")


def _is_signed(a: Expression, b: Expression) -> bool:
    r"""Whether negative values of the variables count.

    Those of one variable do; several are lengths and masses more often than not, and formulas such
    as `\sqrt{G M / r}` are written for positive ones, unless an absolute value says otherwise.
    """
    names = variables(a) | variables(b)
    absolute = any(isinstance(n, Apply) and n.function == "abs" for x in (a, b) for n in walk(x))
    return len(names) == 1 or absolute


def integral_variables(x: Expression) -> frozenset[str]:
    """Return the variables that the expression makes sense for only if they are integers.

    Those in a factorial or a binomial coefficient, in bounds of sums, and in exponents of negative
    constants; and n, k, m and the like under a floor or in the exponent of a variable.
    """
    found: set[str] = set()
    broken: set[str] = set()
    for node in walk(x):
        if isinstance(node, Apply) and node.function in _INTEGRAL:
            found |= variables(node)
        if isinstance(node, Apply) and node.function in ("floor", "ceil"):
            found |= variables(node) & _COUNTERS
        if isinstance(node, Power) and _is_negative(node.base):
            found |= variables(node.exponent)
        elif isinstance(node, Power) and variables(node.base):
            if _is_integral(node.exponent):
                found |= variables(node.exponent) & _COUNTERS
            else:
                broken |= variables(node.exponent)
    return frozenset(found - broken)


def _is_integral(x: Expression) -> bool:
    """Whether an exponent is an integer wherever its variables are: no fractions in it."""
    return all(
        (not isinstance(n, Number) or n.value.denominator == 1)
        and not (isinstance(n, Power) and isinstance(n.exponent, Number) and n.exponent.value < 0)
        for n in walk(x)
    )


def _is_negative(x: Expression) -> bool:
    if isinstance(x, Product):
        return any(isinstance(f, Number) and f.value < 0 for f in x.factors)
    return isinstance(x, Number) and x.value < 0


def _points(
    names: frozenset[str], integers: frozenset[str], signed: bool
) -> Iterator[dict[str, Fraction]]:
    """Points of several sizes; each of them an odd fraction, so that nothing vanishes by chance."""
    source = random.Random(" ".join(sorted(names)))
    ordered = sorted(names)
    sizes = (
        1,
        4,
        Fraction(1, 3),
        2,
        12,
        Fraction(3, 2),
        40,
        Fraction(1, 9),
        Fraction(5, 2),
        3,
        Fraction(6, 5),
        Fraction(8, 5),
        2,
    )
    for size in sizes * 4 if integers else sizes:
        point: dict[str, Fraction] = {}
        for name in ordered:
            if name in integers:
                point[name] = Fraction(source.randrange(1, 12))
                continue
            value = size * Fraction(source.randrange(3001, 9973), 7919)
            point[name] = value * source.choice((1, -1)) if signed and size != 1 else value
        yield point
        if signed and len(names) == 1 and not integers:
            yield {name: -value for name, value in point.items()}


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


def _close(gold: Expression, prediction: Expression, conventions: Conventions) -> bool | None:
    """Whether a decimal on either side stands for the other side; none if there is no decimal."""
    g, p = as_decimal(gold), as_decimal(prediction)
    if g is None and p is None:
        return None
    try:
        a, b = _real(gold), _real(prediction)
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


def _real(x: Expression) -> Fraction:
    value = fraction_of(x)
    if value is not None:
        return value
    approximate = evaluate(x, {}, _FEW)
    mp = context(_FEW)
    if approximate == 0:
        return Fraction(0)
    if not is_real(mp, approximate) or abs(mp.mag(approximate)) > _SHORT_BITS:
        raise Undefined("not real, or too large to be compared by digits")
    return Fraction(mp.nstr(mp.re(approximate), _FEW))


def compare_values(a: Expression, b: Expression) -> int | None:
    """Return the sign of a - b for real constants or infinities, if it can be told."""
    signs = [_infinity_sign(x) for x in (a, b)]
    if signs[0] is not None or signs[1] is not None:
        left, right = signs[0] or 0, signs[1] or 0
        if left == 0 and right == 0:
            return None
        return (left > right) - (left < right)
    if variables(a) or variables(b):
        return 0 if identical(a, b) else None
    if identical(a, b):
        return 0
    try:
        x, y = _real(a), _real(b)
    except Undefined:
        return None
    return (x > y) - (x < y)


def has_known_functions(x: Expression) -> bool:
    """Whether every function in the expression has a value, and not only a name."""
    return all(not isinstance(n, Apply) or n.function in KNOWN | {"sum", "prod"} for n in walk(x))


def as_sum(x: Expression) -> tuple[Expression, ...]:
    """Return the terms of a sum, or the expression as its only term."""
    return x.terms if isinstance(x, Sum) else (x,)


def value_of(x: Expression, point: dict[str, Fraction], digits: int = _DIGITS) -> Any:
    """Return the value at a point, or None where there is none."""
    try:
        return evaluate(x, point, digits)
    except Undefined:
        return None
