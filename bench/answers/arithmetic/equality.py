r"""Whether two expressions are equal: first as fractions, then modulo a prime, then by digits.

The first two are exact in both directions (`bench.answers.arithmetic.exact`). The third evaluates
both at fixed points, twice for constants: a difference that is zero shrinks as digits are added,
one that is not stays. Equal everywhere both are real is equal: `(x^2-1)/(x+1)` and `x-1` are,
`\sqrt{x^2}` and `x` are not. What no method decides is `None`, never `True`.
"""

from __future__ import annotations

import random
from fractions import Fraction
from functools import lru_cache
from typing import Any

from bench.answers.arithmetic.decimals import FEW, MANY, close_enough, real_value
from bench.answers.arithmetic.exact import PRIME, NotRational, fraction_of, residue
from bench.answers.arithmetic.numeric import Undefined, context, evaluate, is_real
from bench.answers.arithmetic.points import integral_variables, is_signed, sample_points
from bench.answers.conventions import Conventions
from bench.answers.expressions import (
    INFINITY,
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Symbol,
    variables,
    walk,
)

_DIGITS = 40


_ENOUGH = 4
"""Points at which both sides have a value, and the same one."""


_PLENTY = 24


_BRANCHES = frozenset("ln log arcsin arccos arctan arccot arcsec arccsc arccosh arctanh".split())


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
    close = close_enough(gold, prediction, conventions)
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
    for digits in (FEW, MANY):
        try:
            x, y = evaluate(a, {}, digits), evaluate(b, {}, digits)
        except Undefined:
            return None
        differences.append(abs(x - y))
        sizes.append(max(abs(x), abs(y)))
        if digits == FEW and differences[0] > sizes[0] / 10**6 and sizes[0] > 1e-6:
            return False
    mp = context(MANY)
    few, many = differences
    if many == 0:
        return True
    if few == 0:
        return bool(many < sizes[1] * mp.mpf(10) ** (-MANY + 15))
    return bool(many < few * mp.mpf(10) ** (-(MANY - FEW) // 2))


def _same_function(a: Expression, b: Expression, names: frozenset[str]) -> bool | None:
    imaginary = any(node == Symbol("i") for x in (a, b) for node in walk(x))
    branches = any(_has_branches(n) for x in (a, b) for n in walk(x))
    agreed = 0
    for point in sample_points(
        names, integral_variables(a) | integral_variables(b), is_signed(a, b)
    ):
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
        x, y = real_value(a), real_value(b)
    except Undefined:
        return None
    return (x > y) - (x < y)


def value_of(x: Expression, point: dict[str, Fraction], digits: int = _DIGITS) -> Any:
    """Return the value at a point, or None where there is none."""
    try:
        return evaluate(x, point, digits)
    except Undefined:
        return None
