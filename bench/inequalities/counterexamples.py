"""Points at which a statement is false: found in floating point, decided in rational numbers.

The domain is sampled, the points at which a claim is worst are refined, made rational and put back
on the equality, and then every assumption must hold and the claim fail exactly: roots are enclosed
between rationals, never rounded.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import Floats
from bench.inequalities.proving.goals import read_constant, subtract
from bench.inequalities.roots import exact_root, floor_root
from bench.inequalities.sampling import scale_onto
from bench.inequalities.statements import (
    Expression,
    Relation,
    Statement,
    compile_float,
    evaluate,
)

Point = dict[str, Fraction]

SAMPLED = 4_000
ROUNDS = 8
KEPT = 40
"""Points that a round of refining goes on from."""
DENOMINATORS = (1, 2, 3, 4, 6, 8, 10, 12, 20, 60, 100, 1000, 10**5)
SIMPLE = (Fraction(1), Fraction(0), Fraction(2), Fraction(1, 2), Fraction(-1))
MOST_SIMPLE = 625
"""Points with such coordinates that are tried."""
MOST_INDEX = 64
"""Index of a root up to which it is enclosed."""
MOST_POWER = 10_000
"""Power to which an enclosure is raised: a point may put any number into an exponent."""
BITS = 200
"""Binary digits to which a root is enclosed."""
SUSPICIOUS = -1e-12
"""Value, relative to the terms, below which a point is looked at exactly."""
CLEAR = -1e-3
"""The same, below which a point survives being rounded."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A point that all assumptions allow, and the claim that is false there."""

    point: Mapping[str, Fraction]
    claim: int


def find_counterexample(statement: Statement, budget: Budget) -> Counterexample | None:
    """Return a point that refutes the statement, verified exactly; None where none is found."""
    search = _Search(statement)
    points = search.draw()
    if not len(points):
        return None
    for number in range(len(statement.claims)):
        if budget.is_spent:
            return None
        for point in search.list_candidates(number, points, budget):
            if is_counterexample(statement, point, number):
                return Counterexample(point, number)
    return None


def is_counterexample(statement: Statement, point: Mapping[str, Fraction], claim: int) -> bool:
    """Whether all assumptions hold at a point and a claim does not, both without any doubt."""
    return all(decide(a, point) is True for a in statement.assumptions) and (
        decide(statement.claims[claim], point) is False
    )


def decide(relation: Relation, point: Mapping[str, Fraction]) -> bool | None:
    """Return whether a relation holds at a rational point; None where that cannot be told.

    It cannot where a side is not defined, or where two irrational sides are too near.
    """
    op, left, right = relation
    value = evaluate(subtract(left, right), point)
    if value is not None:
        low = high = value
    else:
        enclosed = enclose(subtract(left, right), point)
        if enclosed is None:
            return None
        low, high = enclosed
    if low > 0 or high < 0 or low == high:
        at = low if low > 0 or low == high else high
        return {
            ">=": at >= 0,
            ">": at > 0,
            "<=": at <= 0,
            "<": at < 0,
            "=": at == 0,
            "!=": at != 0,
        }[op]
    return None


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
    power = read_constant(exponent) if not isinstance(exponent, str) else point[exponent]
    if inner is None or power is None or power.denominator > MOST_INDEX:
        return None
    if abs(power.numerator) > MOST_POWER:
        return None
    low, high = inner
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


class _Search:
    """The floating-point side: sampling the domain, and going down on a claim."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.names = list(statement.variables)
        self.equalities = [a for a in statement.assumptions if a[0] == "="]
        self._inequalities = [
            (_margin(a, self.names), a[0]) for a in statement.assumptions if a[0] not in ("=", "!=")
        ]
        self._zero = [compile_float(subtract(a[1], a[2]), self.names) for a in self.equalities]

    def draw(self) -> Floats:
        n = len(self.names)
        random = np.random.default_rng(0)
        x = np.vstack(
            [
                random.dirichlet(np.ones(n), SAMPLED // 2),
                random.dirichlet(np.full(n, 0.4), SAMPLED // 4),
                1 + 0.05 * random.standard_normal((SAMPLED // 8, n)),
                random.exponential(1, (SAMPLED // 8, n)),
            ]
        )
        x = np.maximum(x, 1e-9)
        scaled = random.random(len(x)) < 0.5
        x = x * np.where(scaled, np.exp(2 * random.standard_normal(len(x))), 1.0)[:, None]
        signs = np.where(random.random(x.shape) < 0.5, -1.0, 1.0)
        return self.allow(np.vstack([x, x * signs]))

    def allow(self, x: Floats) -> Floats:
        """Return the points moved onto the equality that all inequalities allow."""
        if len(self._zero) == 1:
            x = scale_onto(self._zero[0], x)
        elif self._zero:
            return x[:0]
        with np.errstate(all="ignore"):
            for margin, _ in self._inequalities:
                x = x[margin(x) >= 0] if len(x) else x
        return x

    def list_candidates(self, claim: int, x: Floats, budget: Budget) -> Iterator[Point]:
        if self.statement.claims[claim][0] in "<>":
            yield from self._list_simple_points()
        value = _margin(self.statement.claims[claim], self.names)
        size = _size(self.statement.claims[claim], self.names)
        random = np.random.default_rng(5)

        def measure(at: Floats) -> Floats:
            with np.errstate(all="ignore"):
                found = value(at) / np.maximum(size(at), 1e-300)
            return np.where(np.isfinite(found), found, np.inf)

        for step in range(ROUNDS):
            if budget.is_spent or not len(x):
                return
            best = x[np.argsort(measure(x))[:KEPT]]
            near = np.repeat(best, 60, axis=0)
            near = near * (1 + 0.4 ** (step + 1) * random.standard_normal(near.shape))
            x = np.vstack([best, self.allow(near)])
            values = measure(x)
            if values.min() < SUSPICIOUS or step == ROUNDS - 1:
                for point in np.vstack([_mildest(x[values < CLEAR]), x[np.argsort(values)[:6]]]):
                    yield from self._make_rational(point)

    def _list_simple_points(self) -> Iterator[Point]:
        """Yield points at which a strict claim may be an equality, which no rounding finds."""
        for values in itertools.islice(
            itertools.product(SIMPLE, repeat=len(self.names)), MOST_SIMPLE
        ):
            point = dict(zip(self.names, values, strict=True))
            yield from self._put_on_equality(point) if self.equalities else (point,)

    def _make_rational(self, x: Floats) -> Iterator[Point]:
        seen: set[tuple[Fraction, ...]] = set()
        for denominator in DENOMINATORS:
            values = tuple(Fraction(round(float(v) * denominator), denominator) for v in x)
            if values in seen:
                continue
            seen.add(values)
            point = dict(zip(self.names, values, strict=True))
            if not self.equalities:
                yield point
            else:
                yield from self._put_on_equality(point)

    def _put_on_equality(self, point: Point) -> Iterator[Point]:
        """Yield points near `point` on the equality: one coordinate solved for, or all scaled."""
        op, left, right = self.equalities[0]
        e = subtract(left, right)
        for name in self.names:
            at = [evaluate(e, {**point, name: Fraction(k)}) for k in (1, 2, 3)]
            if any(v is None for v in at):
                continue
            one, two, three = (v for v in at if v is not None)
            slope = two - one
            if slope and three - two == slope:  # linear in this variable
                yield {**point, name: 1 - one / slope}
        if evaluate(e, point) == 0:
            yield point
        yield from self._scale_exactly(e, point)
        yield from self._end_chord(e, point)

    def _end_chord(self, e: Expression, point: Point) -> Iterator[Point]:
        """Yield the other end of the chord through a point, of an equality of degree 2.

        It is rational, as the end it begins at is.
        """
        if self._base is None:
            return
        base = self._base

        def at(t: int | Fraction) -> Point:
            return {v: x + t * (point[v] - x) for v, x in base.items()}

        found = [evaluate(e, at(t)) for t in (-1, 1, 2)]
        if any(value is None for value in found):
            return
        before, one, two = (value for value in found if value is not None)
        square = (two - 2 * one) / 2
        if square and before == 2 * square - one and one != square:
            yield at((square - one) / square)

    @cached_property
    def _base(self) -> Point | None:
        """A simple point on the equality, wherever the inequalities are."""
        _, left, right = self.equalities[0]
        e = subtract(left, right)
        for values in itertools.islice(
            itertools.product(SIMPLE, repeat=len(self.names)), MOST_SIMPLE
        ):
            point = dict(zip(self.names, values, strict=True))
            if evaluate(e, point) == 0:
                return point
        return None

    def _scale_exactly(self, e: Expression, point: Point) -> Iterator[Point]:
        """Yield the multiple of a point on an equality of two degrees, if it is rational."""
        zero = evaluate(e, dict.fromkeys(point, Fraction(0)))
        one = evaluate(e, point)
        two = evaluate(e, {v: 2 * x for v, x in point.items()})
        if zero is None or one is None or two is None or not zero or one == zero:
            return
        ratio = (two - zero) / (one - zero)
        for degree in range(1, 9):
            if ratio == 2**degree:
                scale = exact_root(zero / (zero - one), degree)
                if scale is not None:
                    yield {v: x * scale for v, x in point.items()}


def _mildest(x: Floats) -> Floats:
    """Return some points whose coordinates are nearest to 1 in size: short when made rational."""
    with np.errstate(divide="ignore"):
        reach = abs(np.log(abs(x))).max(axis=1) if len(x) else np.zeros(0)
    return x[np.argsort(reach)[:10]]


def _margin(relation: Relation, names: Sequence[str]) -> Callable[[Floats], Floats]:
    """Return by how much a relation holds at points, in floating point."""
    op, left, right = relation
    larger, smaller = (left, right) if op in (">=", ">") else (right, left)
    found: Any = compile_float(subtract(larger, smaller), names)
    return found  # type: ignore[no-any-return]


def _size(relation: Relation, names: Sequence[str]) -> Callable[[Floats], Floats]:
    """Return the size of a relation's sides at points."""
    left, right = (compile_float(side, names) for side in relation[1:])

    def size(x: Floats) -> Floats:
        with np.errstate(all="ignore"):
            found: Floats = abs(left(x)) + abs(right(x))
        return found

    return size
