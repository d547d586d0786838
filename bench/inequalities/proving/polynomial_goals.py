"""What is to be shown, as a polynomial: phase C of FORMAT.md.

The ring of a goal has its variables and then its radicals. Here are the words that FORMAT.md
defines (visibly positive, positive off the origin, an equality that splits, homogenising) and the
steps that change a goal. Each step returns a new goal, or None where it does not apply.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from bench.inequalities.polynomials import (
    Exponents,
    Polynomial,
    constant,
    degree_of,
    generators,
    has_nonnegative_coefficients,
    make,
    ring,
    size_of,
    split_by_degree,
    terms_of,
    to_json,
)
from bench.inequalities.proving.goals import FREE, POSITIVE, Step


class Radical(NamedTuple):
    """A number `t >= 0` with `t^degree = radicand`, a polynomial in the variables."""

    degree: int
    radicand: Polynomial
    """In the ring of the variables alone."""


class Split(NamedTuple):
    """An equality as `A = B`, homogeneous sides of different degrees, `B` positive."""

    equality: int
    high: Polynomial
    """A, of the larger degree."""
    low: Polynomial
    """B."""
    sign: int
    """The equality's numerator is `sign * (A - B)`."""

    @property
    def difference(self) -> int:
        """Degree of `A` less that of `B`."""
        return degree_of(self.high) - degree_of(self.low)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is known of the variables; polynomials in the ring of the variables alone."""

    signs: tuple[str, ...]
    facts: tuple[tuple[Polynomial, bool] | None, ...]
    """Numerators that are not negative, and whether they are positive; None: not usable."""
    equalities: tuple[Polynomial | None, ...]

    @property
    def n(self) -> int:
        """How many variables there are."""
        return len(self.signs)

    @property
    def on_orthant(self) -> bool:
        """Whether no variable is negative."""
        return FREE not in self.signs

    @property
    def exclude_origin(self) -> bool:
        """Whether the variables are not all 0."""
        zero = (0,) * self.n
        return POSITIVE in self.signs or any(
            p is not None and zero in terms_of(p) for p in self.equalities
        )

    def is_visibly_nonnegative(self, p: Polynomial) -> bool:
        """Whether every term is not negative; further variables, radicals, count as such."""
        return all(
            c >= 0
            and all(k % 2 == 0 for k, sign in zip(e, self.signs, strict=False) if sign == FREE)
            for e, c in terms_of(p).items()
        )

    def is_visibly_positive(self, p: Polynomial) -> bool:
        """Whether besides a term has positive variables only; `p` without radicals."""
        return self.is_visibly_nonnegative(p) and any(
            all(k == 0 or sign == POSITIVE for k, sign in zip(e, self.signs, strict=True))
            for e in terms_of(p)
        )

    def is_positive_off_origin(self, p: Polynomial) -> bool:
        """Whether `p`, without radicals, is positive for a reason that can be seen."""
        if self.is_visibly_positive(p):
            return True
        terms = terms_of(p)
        return (
            self.exclude_origin
            and self.on_orthant
            and has_nonnegative_coefficients(p)
            and all(any(e[i] == sum(e) > 0 for e in terms) for i in range(self.n))
        )

    def split(self, j: int) -> Split | None:
        """Return an equality as two homogeneous sides."""
        p = self.equalities[j]
        if p is None:
            return None
        parts = split_by_degree(p)
        if len(parts) != 2:
            return None
        low, high = sorted(parts)
        for sign in (1, -1):
            a, b = sign * parts[high], -sign * parts[low]
            if (
                has_nonnegative_coefficients(a)
                and has_nonnegative_coefficients(b)
                and self.is_visibly_positive(b)
            ):
                return Split(j, a, b, sign)
        return None

    def find_split(self) -> Split | None:
        """Return the first equality that splits."""
        found = (self.split(j) for j in range(len(self.equalities)))
        return next((each for each in found if each is not None), None)


@dataclass(frozen=True, slots=True)
class PolynomialGoal:
    """A polynomial to be shown `>= 0`, and what may be used for that."""

    assumptions: Assumptions
    radicals: tuple[Radical, ...]
    p: Polynomial
    """In the ring of the variables and the radicals."""
    steps: tuple[Step, ...]
    strict: bool = False
    """Whether it is to be shown `> 0`."""

    @property
    def n(self) -> int:
        """How many variables there are."""
        return self.assumptions.n

    @property
    def more(self) -> int:
        """Exponents that a polynomial of the variables lacks in a certificate: the radicals'."""
        return len(self.radicals)

    @property
    def has_radicals(self) -> bool:
        """Whether a radical occurs."""
        return any(self.p.degrees()[self.n :])

    @property
    def plain(self) -> Polynomial:
        """The polynomial in the ring of the variables alone; no radical may occur."""
        return drop_radicals(self.p, self.n)

    def then(self, step: Step, p: Polynomial, **changes: Any) -> PolynomialGoal:
        """Return the goal after a step."""
        return dataclasses.replace(self, p=p, steps=(*self.steps, step), **changes)

    def reduce(self, p: Polynomial) -> Polynomial:
        """Return a polynomial with every power of a radical below its index."""
        return reduce_radicals(p, self.n, self.radicals)

    def lift(self, p: Polynomial) -> Polynomial:
        """Return a polynomial of the variables in the goal's ring."""
        return add_radicals(p, len(self.radicals))

    def radical(self, i: int, power: int = 1) -> Polynomial:
        """Return a power of a radical as a polynomial."""
        found: Polynomial = generators(self.n + len(self.radicals))[self.n + i] ** power
        return found


def drop_radicals(p: Polynomial, n: int) -> Polynomial:
    """Return a polynomial without radicals in the ring of `n` variables."""
    found: Polynomial = ring(n).from_dict({tuple(e)[:n]: c for e, c in p.to_dict().items()})
    return found


def add_radicals(p: Polynomial, count: int) -> Polynomial:
    """Return a polynomial in a ring with so many radicals more."""
    more = (0,) * count
    n = size_of(p) + count
    found: Polynomial = ring(n).from_dict({(*e, *more): c for e, c in p.to_dict().items()})
    return found


def reduce_radicals(p: Polynomial, n: int, radicals: Sequence[Radical]) -> Polynomial:
    """Return `p`, whose ring has `n` variables and then radicals, with low powers of these."""
    size = size_of(p)
    for i, (index, radicand) in enumerate(radicals):
        if p.is_zero() or p.degrees()[n + i] < index:
            continue
        inner = add_radicals(radicand, size - n)
        t = generators(size)[n + i]
        whole = p * 0
        parts: dict[int, dict[Exponents, Any]] = {}
        for e, c in p.to_dict().items():
            k = int(e[n + i])
            rest = tuple(0 if at == n + i else int(x) for at, x in enumerate(e))
            parts.setdefault(k, {})[rest] = c
        for k, terms in parts.items():
            part = p.context().from_dict(terms)
            whole = whole + part * inner ** (k // index) * t ** (k % index)
        p = whole
    return p


def list_degrees(n: int, radicals: Sequence[Radical]) -> list[Fraction]:
    """Return what each variable, then each radical, counts as when degrees are taken."""
    return [Fraction(1)] * n + [Fraction(degree_of(r.radicand), r.degree) for r in radicals]


def homogenise(
    p: Polynomial, split: Split, degrees: Sequence[Fraction] | None = None
) -> Polynomial | None:
    """Return `p` homogenised by an equality; None where the degrees do not fit.

    `p` may be in a larger ring than the equality; `degrees` are those of the ring's generators.
    """
    weights = degrees or [Fraction(1)] * size_of(p)
    parts: dict[Fraction, dict[Exponents, Fraction]] = {}
    for e, c in terms_of(p).items():
        degree = sum((k * w for k, w in zip(e, weights, strict=True)), Fraction(0))
        parts.setdefault(degree, {})[e] = c
    if len(parts) <= 1:
        return p
    times = {k: (max(parts) - k) / split.difference for k in parts}
    if any(m.denominator != 1 for m in times.values()):
        return None
    more = size_of(p) - size_of(split.high)
    high, low = add_radicals(split.high, more), add_radicals(split.low, more)
    most = int(max(times.values()))
    result = p * 0
    for k, terms in parts.items():
        m = int(times[k])
        result = result + make(size_of(p), terms) * high**m * low ** (most - m)
    return result


def apply_homogenise(goal: PolynomialGoal, split: Split) -> PolynomialGoal | None:
    """Return the goal homogenised by an equality; None where nothing changes or degrees forbid."""
    found = homogenise(goal.p, split, list_degrees(goal.n, goal.radicals))
    if found is None or found == goal.p:
        return None
    step = {"step": "homogenise", "equality": split.equality}
    return goal.then(step, goal.reduce(found))


def go_inside(goal: PolynomialGoal) -> PolynomialGoal | None:
    """Return the goal where all variables are positive; None where that is not known to do.

    By continuity it does where the other points are limits of such ones.
    """
    known = goal.assumptions
    dense = not known.facts and (not known.equalities or known.find_split() is not None)
    if goal.strict or not known.on_orthant or not dense or len(known.equalities) > 1:
        return None
    inside = dataclasses.replace(known, signs=(POSITIVE,) * known.n)
    return goal.then({"step": "interior"}, goal.p, assumptions=inside)


def multiply(goal: PolynomialGoal, by: Polynomial) -> PolynomialGoal:
    """Return the goal times a visibly positive polynomial."""
    return goal.then({"step": "multiply", "by": to_json(by)}, goal.reduce(goal.p * by))


def divide(goal: PolynomialGoal, by: Polynomial) -> PolynomialGoal:
    """Return the goal divided by a factor that is positive off the origin, without radicals."""
    return goal.then({"step": "divide", "by": to_json(by)}, goal.p / by)


def cancel_positive_factors(goal: PolynomialGoal) -> PolynomialGoal:
    """Return the goal without the factors that are seen to be positive."""
    if goal.p.is_zero():
        return goal
    _, factors = goal.p.factor()
    common = constant(size_of(goal.p), 1)
    for factor, power in factors:
        if any(factor.degrees()[goal.n :]):
            continue
        inner = drop_radicals(factor, goal.n)
        for sign in (1, -1):
            if goal.assumptions.is_positive_off_origin(sign * inner):
                common = common * (sign * factor) ** int(power)
                break
    return goal if common.is_constant() else divide(goal, common)


def subsets(items: Sequence[Polynomial], most: int) -> list[Polynomial]:
    """Return the products of up to `most` different ones of some polynomials, 1 first."""
    if not items:
        return []
    one = constant(size_of(items[0]), 1)
    found = [one]
    for count in range(1, most + 1):
        for chosen in itertools.combinations(items, count):
            product = one
            for each in chosen:
                product = product * each
            found.append(product)
    return found
