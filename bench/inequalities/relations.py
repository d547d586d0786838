"""Whether a relation holds at a rational point, without any doubt.

A value that is not rational is enclosed between rationals, roots are never rounded; where that does
not tell it from 0, it is written as a sum of products of roots of whole numbers, which may cancel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TypeAlias

from bench.inequalities.roots import floor_root
from bench.inequalities.statements import Expression, Relation, add, evaluate, negate

Point: TypeAlias = dict[str, Fraction]

MOST_INDEX = 64
"""Index of a root up to which it is enclosed."""
MOST_POWER = 10_000
"""Power to which an enclosure is raised: a point may put any number into an exponent."""
BITS = 200
"""Binary digits to which a root is enclosed."""
MOST_TERMS = 64
"""Terms of a sum of roots, and of the power of one."""
PRIMES = tuple(p for p in range(2, 200) if all(p % q for q in range(2, math.isqrt(p) + 1)))
"""By which the numbers under roots are divided: 8^(1/2) is 2 2^(1/2)."""


def decide(relation: Relation, point: Mapping[str, Fraction]) -> bool | None:
    """Return whether a relation holds at a rational point; None where that cannot be told.

    It cannot where a side is not defined, or where two irrational sides are too near.
    """
    op, left, right = relation
    difference = add(left, negate(right))
    value = evaluate(difference, point)
    if value is not None:
        return _compare(op, value)
    enclosed = enclose(difference, point)
    if enclosed is None:
        return None
    low, high = enclosed
    if low > 0 or high < 0:
        return _compare(op, low)
    return _compare(op, Fraction(0)) if low == high or _vanishes(difference, point) else None


def _compare(op: str, value: Fraction) -> bool:
    """Return whether a relation of a value and 0 holds."""
    return {
        ">=": value >= 0,
        ">": value > 0,
        "<=": value <= 0,
        "<": value < 0,
        "=": value == 0,
        "!=": value != 0,
    }[op]


def enclose(e: Expression, point: Mapping[str, Fraction]) -> tuple[Fraction, Fraction] | None:
    """Return rationals between which an expression's value lies; None where it has none."""
    if isinstance(e, Fraction):
        return e, e
    if isinstance(e, str):
        return point[e], point[e]
    if e[0] == "^":
        assert isinstance(e, tuple)
        return _enclose_power(e[1], e[2], point)
    parts = [enclose(part, point) for part in e[1:]]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if e[0] == "+":
        return sum(low for low, _ in known), sum(high for _, high in known)  # type: ignore[return-value]
    if e[0] == "-":
        return -known[0][1], -known[0][0]
    if e[0] == "/":
        inverse = _invert(known[1])
        return None if inverse is None else _times(known[0], inverse)
    product = known[0]
    for part in known[1:]:
        product = _times(product, part)
    return product


def _times(
    left: tuple[Fraction, Fraction], right: tuple[Fraction, Fraction]
) -> tuple[Fraction, Fraction]:
    ends = [a * b for a in left for b in right]
    return _outward(min(ends), max(ends))


def _outward(low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """Keep the numbers short: an irrational end may move outwards."""
    if low == high:
        return low, high
    unit = 2**BITS
    return Fraction(low * unit // 1, unit), -Fraction(-high * unit // 1, unit)


def _invert(value: tuple[Fraction, Fraction]) -> tuple[Fraction, Fraction] | None:
    low, high = value
    return None if low <= 0 <= high else (1 / high, 1 / low)


def _enclose_power(
    base: Expression, exponent: Expression, point: Mapping[str, Fraction]
) -> tuple[Fraction, Fraction] | None:
    inner = enclose(base, point)
    power = evaluate(exponent, point)
    if inner is None or power is None or power.denominator > MOST_INDEX:
        return None
    if abs(power.numerator) > MOST_POWER:
        return None
    low, high = inner
    if low <= 0 and not isinstance(exponent, Fraction):
        return None
    if power.denominator > 1:
        if low < 0:
            return None
        low, high = _root_below(low, power.denominator), _root_above(high, power.denominator)
    times = abs(power.numerator)
    ends = sorted((low**times, high**times))
    if times % 2 == 0 and low < 0 < high:
        ends[0] = Fraction(0)
    result = _outward(*ends)
    return _invert(result) if power < 0 else result


def _root_below(value: Fraction, index: int) -> Fraction:
    scaled = int(value * 2 ** (BITS * index))
    return Fraction(floor_root(scaled, index), 2**BITS)


def _root_above(value: Fraction, index: int) -> Fraction:
    below = _root_below(value, index)
    return below if below**index == value else below + Fraction(1, 2**BITS)


# Sums of roots

_Roots: TypeAlias = tuple[tuple[int, Fraction], ...]
"""A product of whole numbers with exponents between 0 and 1."""
_Sum: TypeAlias = dict[_Roots, Fraction]
"""Coefficients of such products."""


def _vanishes(e: Expression, point: Mapping[str, Fraction]) -> bool:
    """Whether an expression that has a value is 0, as far as its roots are those of rationals."""
    found = _write_as_roots(e, point)
    return found is not None and not found[0]


def _write_as_roots(e: Expression, point: Mapping[str, Fraction]) -> tuple[_Sum, _Sum] | None:
    """Return numerator and denominator; None where that needs other roots, or many terms."""
    one: _Sum = {(): Fraction(1)}
    value = evaluate(e, point)
    if value is not None:
        return ({(): value} if value else {}), one
    assert isinstance(e, tuple)
    if e[0] == "^":
        return _write_power(e[1], e[2], point)
    parts = [_write_as_roots(part, point) for part in e[1:]]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    top, bottom = known[0]
    if e[0] == "-":
        return {roots: -c for roots, c in top.items()}, bottom
    for a, b in known[1:]:
        if e[0] == "*":
            top, bottom = _multiply(top, a), _multiply(bottom, b)
        elif e[0] == "/":
            top, bottom = _multiply(top, b), _multiply(bottom, a)
        elif b == bottom:
            top = _add(top, a)
        else:
            top, bottom = _add(_multiply(top, b), _multiply(a, bottom)), _multiply(bottom, b)
        if len(top) > MOST_TERMS or len(bottom) > MOST_TERMS:
            return None
    return top, bottom


def _write_power(
    base: Expression, exponent: Expression, point: Mapping[str, Fraction]
) -> tuple[_Sum, _Sum] | None:
    power = evaluate(exponent, point)
    value = evaluate(base, point)
    one: _Sum = {(): Fraction(1)}
    if power is None or abs(power.numerator) > MOST_TERMS:
        return None
    if value is not None:
        return (_take_root(value, power), one) if value > 0 else None
    inner = _write_as_roots(base, point)
    if inner is None or power.denominator > 1:
        return None
    top, bottom = inner if power > 0 else (inner[1], inner[0])
    over, under = one, one
    for _ in range(abs(power.numerator)):
        over, under = _multiply(over, top), _multiply(under, bottom)
        if len(over) > MOST_TERMS or len(under) > MOST_TERMS:
            return None
    return over, under


def _take_root(value: Fraction, power: Fraction) -> _Sum:
    """Return a power of a positive rational."""
    factors = [(p, power * k) for p, k in _factor(value.numerator)]
    factors += [(p, -power * k) for p, k in _factor(value.denominator)]
    return _multiply({(): Fraction(1)}, {tuple(factors): Fraction(1)})


def _factor(n: int) -> Iterator[tuple[int, int]]:
    """Yield the small prime factors of a number with their exponents, and what is left."""
    for p in PRIMES:
        k = 0
        while n % p == 0:
            n, k = n // p, k + 1
        if k:
            yield p, k
    if n > 1:
        yield n, 1


def _add(left: _Sum, right: _Sum) -> _Sum:
    total = {
        roots: left.get(roots, Fraction(0)) + right.get(roots, Fraction(0))
        for roots in left.keys() | right.keys()
    }
    return {roots: c for roots, c in total.items() if c}


def _multiply(left: _Sum, right: _Sum) -> _Sum:
    total: _Sum = {}
    for a, c in left.items():
        for b, d in right.items():
            exponents: dict[int, Fraction] = {}
            for base, k in a + b:
                exponents[base] = exponents.get(base, Fraction(0)) + k
            whole = math.prod(
                (Fraction(base) ** (k // 1) for base, k in exponents.items()), start=c * d
            )
            roots = tuple(sorted((base, k % 1) for base, k in exponents.items() if k % 1))
            total[roots] = total.get(roots, Fraction(0)) + whole
    return {roots: c for roots, c in total.items() if c}
