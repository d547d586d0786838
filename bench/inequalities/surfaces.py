"""Rational points at which equalities hold, near a given point of floating point.

Equalities are made polynomials: denominators are cleared, and a root is a further variable. An
equality that is linear in a variable is solved for it; what then remains is followed along lines
through rational points of it, for a quadric has on each line as many rational points as it has
others. Equalities without a common variable are landed on apart from each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from flint import fmpq

from bench.inequalities.polynomials import (
    Floats,
    Polynomial,
    degree_of,
    from_flint,
    generators,
    insert,
    split_by_power,
    to_flint,
    variables_of,
)
from bench.inequalities.quotients import MOST_DEGREE, NoPolynomial, Quotients, Root
from bench.inequalities.relations import Point
from bench.inequalities.statements import (
    Relation,
    add,
    compile_float,
    find_variables,
    negate,
)

Round = Callable[[float], Fraction]

SIMPLE = tuple(map(Fraction, ("1", "0", "2", "1/2", "-1")))
LESS_SIMPLE = tuple(map(Fraction, ("1", "2", "1/2", "3", "1/3", "3/2", "2/3", "4", "1/4", "-1")))
"""For a surface on which points are rare."""
MOST_SIMPLE = 160
"""Points with such coordinates that are looked at."""
MOST_CHOICES = 4
"""Ways in which the factors of equalities, one of each, are chosen."""
BASES = 3
"""Points of a quadric from which its chords start."""
NEAREST = 4
"""Of the points that are known of a surface without such lines, those that are given."""


class Surface:
    """The points at which all of some equalities hold."""

    def __init__(self, names: Sequence[str], equalities: Sequence[Relation]) -> None:
        """Prepare to land on it."""
        self._names = tuple(names)
        self._parts: list[_Part] = []
        for group in _split(equalities):
            with suppress(NoPolynomial):
                part = _Part.read(group)
                if part.polynomials:
                    self._parts.append(part)

    def land(self, x: Sequence[float], rounded: Round) -> Iterator[Point]:
        """Yield rational points near `x`: where nothing is solved for, its coordinates rounded.

        They lie on the surface, except where an equality is no polynomial one.
        """
        values = dict(zip(self._names, x, strict=True))
        point = {name: rounded(value) for name, value in values.items()}
        landed = [list(part.land(values, point, rounded)) for part in self._parts]
        for i in range(max(map(len, landed), default=1)):
            if all(landed):
                found = dict(point)
                for each in landed:
                    found.update(each[i % len(each)])
                yield found


def list_simple_points(
    count: int, values: Sequence[Fraction] = SIMPLE
) -> Iterator[tuple[Fraction, ...]]:
    """Yield points with simple coordinates: if not all, those of which at most one differs."""
    if len(values) ** count <= MOST_SIMPLE:
        yield from itertools.product(values, repeat=count)
        return
    alike = ((value,) * count for value in values)
    unlike = (
        (value,) * i + (other,) + (value,) * (count - 1 - i)
        for value, other in itertools.permutations(values, 2)
        for i in range(count)
    )
    yield from itertools.islice(itertools.chain(alike, unlike), MOST_SIMPLE)


def _split(equalities: Sequence[Relation]) -> list[list[Relation]]:
    """Return the equalities in groups without a common variable."""
    groups: list[tuple[frozenset[str], list[Relation]]] = []
    for relation in equalities:
        names = find_variables(relation[1]) | find_variables(relation[2])
        near = [group for group in groups if group[0] & names]
        groups = [group for group in groups if not group[0] & names]
        members = [each for _, group in near for each in group]
        groups.append((names.union(*(group[0] for group in near)), [*members, relation]))
    return [members for _, members in groups]


@dataclass(frozen=True)
class _Part:
    """Equalities that hang together, as polynomials that are to be 0."""

    names: tuple[str, ...]
    roots: tuple[Root, ...]
    """What the variables behind the named ones stand for."""
    polynomials: tuple[Polynomial, ...]
    size: int
    """Variables of the polynomials' ring; some may not occur."""

    @classmethod
    def read(cls, equalities: Sequence[Relation]) -> _Part:
        """Make equalities polynomials. Raises NoPolynomial."""
        sides = [add(left, negate(right)) for _, left, right in equalities]
        names = sorted(frozenset[str]().union(*map(find_variables, sides)))
        quotients = Quotients(names, sides)
        tops = [quotients.read(side)[0] for side in sides]
        polynomials = tuple(p for p in (*tops, *quotients.equations) if not p.is_zero())
        return cls(tuple(names), tuple(quotients.roots), polynomials, quotients.size)

    def land(
        self, values: Mapping[str, float], point: Mapping[str, Fraction], rounded: Round
    ) -> Iterator[Point]:
        """Yield points of the part near some values, without those of the other variables."""
        near = np.array([[values[name] for name in self.names]])
        roots = [compile_float(root.of, self.names)(near)[0] for root in self.roots]
        with np.errstate(all="ignore"):
            roots = [root ** (1 / by.index) for root, by in zip(roots, self.roots, strict=True)]
        if not np.isfinite(roots).all():
            return
        at = [point[name] for name in self.names] + [rounded(float(root)) for root in roots]
        at += [Fraction(0)] * (self.size - len(at))
        x = [to_flint(value) for value in at]
        seen: set[tuple[Fraction, ...]] = set()
        for system in self._systems:
            for landed in system.land(x):
                found = tuple(map(from_flint, landed[: len(self.names)]))
                if found not in seen:
                    seen.add(found)
                    yield dict(zip(self.names, found, strict=True))

    @cached_property
    def _systems(self) -> list[_System]:
        """The ways to solve it: for each variable one that solves for it, where that is linear."""
        factors = [
            [factor for factor, _ in p.factor()[1] if variables_of(factor)]
            for p in self.polynomials
        ]
        systems: dict[tuple[int, ...], _System] = {}
        for choice, chosen in enumerate(
            itertools.islice(itertools.product(*factors), MOST_CHOICES)
        ):
            for first in range(self.size):
                order = [first, *(i for i in range(self.size) if i != first)]
                system = _System.solve(chosen, order)
                systems.setdefault((choice, *sorted(s.variable for s in system.solved)), system)
        return list(systems.values())


@dataclass(frozen=True, slots=True)
class _Solved:
    """A variable as a quotient of polynomials of those that are solved for later, or free."""

    variable: int
    top: Polynomial
    bottom: Polynomial


@dataclass(frozen=True)
class _System:
    """Polynomials of which some are solved, and at most one of the rest is followed on lines."""

    solved: tuple[_Solved, ...]
    rest: tuple[Polynomial, ...]
    free: tuple[int, ...]
    """The variables that occur and are not solved for."""

    @classmethod
    def solve(cls, polynomials: Sequence[Polynomial], order: Sequence[int]) -> _System:
        """Solve what is linear in a variable for it, those first in the order first."""
        rest, solved = list(polynomials), list[_Solved]()
        while True:
            linear = next(
                ((i, p) for i in order for p in rest if _is_solvable(p, i, rest)),
                None,
            )
            if linear is None:
                break
            i, p = linear
            parts = split_by_power(p, i)
            solved.append(_Solved(i, -parts.get(0, p * 0), parts[1]))
            others = [_substitute(q, solved[-1]) for q in rest if q is not p]
            rest = [q for q in others if not q.is_zero()]
        known = {each.variable for each in solved}
        used = {i for p in polynomials for i in variables_of(p)}
        return cls(tuple(solved), tuple(rest), tuple(sorted(used - known)))

    def land(self, x: Sequence[fmpq]) -> Iterator[list[fmpq]]:
        """Yield points near `x` at which all is 0."""
        for at in self._land_on_rest(x):
            found = list(at)
            for each in reversed(self.solved):
                bottom = each.bottom(*found)
                if not bottom:
                    break
                found[each.variable] = each.top(*found) / bottom
            else:
                yield found

    def _land_on_rest(self, x: Sequence[fmpq]) -> Iterator[Sequence[fmpq]]:
        if all(not p(*x) for p in self.rest):
            yield x
        elif len(self.rest) == 1:
            yield from self._meet([fmpq(0)] * len(x), x)
            if degree_of(self.rest[0]) == 2:
                for base in self._bases:
                    yield from self._meet(base, x)
            else:
                for i in self.free:
                    yield from self._meet(x, _move(x, i))
                yield from self._list_nearest(x)

    def _meet(self, start: Sequence[fmpq], end: Sequence[fmpq]) -> Iterator[list[fmpq]]:
        """Yield the rational points of the rest on a line, without the line's start."""
        t = generators(1)[0]
        line = [a + (b - a) * t for a, b in zip(start, end, strict=True)]
        for factor, _ in insert(self.rest[0], line).factor()[1]:
            parts = split_by_power(factor, 0)
            if degree_of(factor) == 1 and 0 in parts:
                time = -parts[0].leading_coefficient() / parts[1].leading_coefficient()
                yield [a + (b - a) * time for a, b in zip(start, end, strict=True)]

    @cached_property
    def _bases(self) -> list[list[fmpq]]:
        """Points of a quadric, whether or not any inequality holds there."""
        return list(itertools.islice(self._find_known(SIMPLE), BASES))

    def _list_nearest(self, x: Sequence[fmpq]) -> list[list[fmpq]]:
        points, floats = self._known
        if not points:
            return []
        distances = abs(floats - _to_floats(x)).max(axis=1)
        return [points[i] for i in distances.argsort()[:NEAREST]]

    @cached_property
    def _known(self) -> tuple[list[list[fmpq]], Floats]:
        """The points that were found of a surface that is no quadric."""
        points = list(self._find_known(LESS_SIMPLE))
        return points, np.array([_to_floats(point) for point in points])

    def _find_known(self, values: Sequence[Fraction]) -> Iterator[list[fmpq]]:
        """Yield points of the rest on lines along which a single variable changes."""
        size = int(self.rest[0].context().nvars())
        for i in self.free:
            others = [j for j in self.free if j != i]
            for simple in list_simple_points(len(others), values):
                start = [fmpq(0)] * size
                for j, value in zip(others, simple, strict=True):
                    start[j] = to_flint(value)
                yield from self._meet(start, _move(start, i))


def _move(x: Sequence[fmpq], i: int) -> list[fmpq]:
    return [value + (j == i) for j, value in enumerate(x)]


def _to_floats(x: Sequence[fmpq]) -> Floats:
    return np.array([float(from_flint(value)) for value in x])


def _is_solvable(p: Polynomial, i: int, others: Sequence[Polynomial]) -> bool:
    """Whether `p` is linear in a variable, and putting that in makes no other one too large."""
    return bool(p.degrees()[i] == 1) and all(
        q is p or degree_of(q) + int(q.degrees()[i]) * degree_of(p) <= MOST_DEGREE for q in others
    )


def _substitute(p: Polynomial, solved: _Solved) -> Polynomial:
    """Return the numerator of `p` with a variable put in, without factors of the denominator."""
    parts = split_by_power(p, solved.variable)
    degree = max(parts)
    total = p * 0
    for k, part in parts.items():
        total = total + part * solved.top**k * solved.bottom ** (degree - k)
    if degree_of(solved.bottom) > 0:
        while not total.is_zero() and not (divided := divmod(total, solved.bottom))[1]:
            total = divided[0]
    return total
