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

from bench.answers.arithmetic.decimals import FEW, MANY, closeness, real_value
from bench.answers.arithmetic.exact import PRIME, NotRational, fraction_of, residue
from bench.answers.arithmetic.numeric import Undefined, context, evaluate, is_real
from bench.answers.arithmetic.points import (
    integral_variables,
    is_signed,
    nested_power_point,
    sample_points,
)
from bench.answers.conventions import Conventions
from bench.answers.expressions import (
    CONSTANTS,
    IMAGINARY,
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

_DIGITS = 50
_AGREEING = 20
"""Digits in which two values of one function agree."""
_NOISE_FLOOR = 40
"""What cancelling leaves of a sum that is zero is below ten to minus this."""


_ENOUGH = 4
"""Points at which both sides have a value, and the same one."""


_PLENTY = 24
_FEW_POINTS = 8
"""Enough for functions without corners, jumps and branches: those that agree there are the same."""
_BROKEN = frozenset("abs sign floor ceil max min gcd lcm factorial2".split())

_BRANCHES = frozenset("ln log arcsin arccos arctan arccot arcsec arccsc arccosh arctanh".split())


def equal(
    gold: Expression,
    prediction: Expression,
    conventions: Conventions,
    positive: frozenset[str] = frozenset(),
) -> bool | None:
    """Whether the prediction equals the reference, printed decimals understood as such.

    `positive` are the letters that are said to be; others may be negative.

    Raises TooLarge: a value that is not worked out.
    """
    if gold == prediction:
        return True
    exact = identical(gold, prediction, positive)
    if exact is True or variables(gold) or variables(prediction):
        return exact
    if INFINITY in (gold, prediction):
        return exact
    close = closeness(gold, prediction, conventions)
    return exact if close is None else close.accepted


def identical(a: Expression, b: Expression, positive: frozenset[str] = frozenset()) -> bool | None:
    """Whether two expressions are the same constant or the same function; no tolerance."""
    if a == b:
        return True
    symbols = {node.name for x in (a, b) for node in walk(x) if isinstance(node, Symbol)}
    if INFINITY.name in symbols:
        return _infinite(a, b)
    names = frozenset(symbols - CONSTANTS)
    if not names:
        x, y = fraction_of(a), fraction_of(b)
        if x is not None and y is not None:
            return x == y
    try:
        return all(residue(a, point) == residue(b, point) for point in _residues(names))
    except NotRational:
        pass
    if not names:
        return _same_constant(a, b)
    if (point := nested_power_point(a, b, positive)) and _differ_at(a, b, point):
        return False  # (a^b)^c is a^{bc} for positive a
    return _same_function(a, b, names)


def _differ_at(a: Expression, b: Expression, point: dict[str, Fraction]) -> bool:
    """Whether both have a real value at a point, and not the same one."""
    x, y = value_of(a, point), value_of(b, point)
    mp = context(_DIGITS)
    if x is None or y is None or not (is_real(mp, x) and is_real(mp, y)):
        return False
    return not _agree(x, y)


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
    nodes = [*walk(a), *walk(b)]
    imaginary = IMAGINARY in nodes
    branches = any(_has_branches(node) for node in nodes)
    enough = _PLENTY if branches or any(map(_is_broken, nodes)) else _FEW_POINTS
    agreed = 0
    for point in sample_points(
        names, integral_variables(a) | integral_variables(b), is_signed(a, b)
    ):
        try:
            x, y = evaluate(a, point, _DIGITS), evaluate(b, point, _DIGITS)
        except Undefined:
            continue
        mp = context(_DIGITS)
        same = _agree(x, y) and not _is_tiny(a, b, x, y, point)
        if not imaginary:
            real = is_real(mp, x), is_real(mp, y)
            if real[0] != real[1]:
                continue  # only one of them has a value here
            if not real[0] and not same and branches:
                continue  # logarithms and roots may differ by a turn where neither is real
        if not same:
            return False
        agreed += 1
        if agreed >= enough:
            break
    return True if agreed >= _ENOUGH else None


def _agree(x: Any, y: Any) -> bool:
    """Whether two values are the same but for what arithmetic lost."""
    mp = context(_DIGITS)
    size = max(abs(x), abs(y), mp.mpf(10) ** (_AGREEING - _NOISE_FLOOR))
    return bool(abs(x - y) <= size * mp.mpf(10) ** -_AGREEING)


def _is_tiny(a: Expression, b: Expression, x: Any, y: Any, point: dict[str, Fraction]) -> bool:
    """Whether one value is zero, and the other a small number that is no loss of arithmetic.

    What cancelling leaves of a zero shrinks as digits are added; `1/2^{150}` stays.
    """
    if (x == 0) == (y == 0):
        return False
    other, before = (b, y) if x == 0 else (a, x)
    after = value_of(other, point, MANY)
    return after is not None and bool(abs(after) * 2 > abs(before))


def _is_broken(x: Expression) -> bool:
    """Whether a function has corners, jumps or, as a power with a letter above, other branches."""
    if isinstance(x, Power):
        return bool(variables(x.base)) and fraction_of(x.exponent) is None
    return isinstance(x, Apply) and x.function in _BROKEN


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
