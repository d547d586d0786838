"""Sums of squares under assumptions: Putinar's and Schmuedgen's, and by contradiction.

    multiplier * p = sum of weights times squares + sum of polynomials times equalities

Weights are products of variables that are not negative and of facts; in a proof by contradiction
`-p` may be one of the factors.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Floats,
    Polynomial,
    compile_polynomial,
    constant,
    degree_of,
    evaluate,
    from_flint,
    generators,
    is_homogeneous,
    size_of,
    to_json,
)
from bench.inequalities.proving.closers.algebraic import Conjugates, find_irrational_zeros
from bench.inequalities.proving.closers.gram import Block, GramProgram, Multiplied, reduce_blocks
from bench.inequalities.proving.closers.squares import keep_in_newton_polytope, list_monomials
from bench.inequalities.proving.closers.zeros import Point, irrational_null_vectors, null_vectors_at
from bench.inequalities.proving.goals import FREE, POSITIVE
from bench.inequalities.proving.polynomial_goals import Assumptions, subsets

MOST_MONOMIALS = 200
MOST_UNKNOWNS = 9_000
MOST_ZEROS = 24


class Attempt(NamedTuple):
    """One form of sum of squares to be looked for."""

    degree: int
    products: int
    """Factors of a weight at most."""
    negated: bool
    multiplier: Polynomial


def prove_by_assumptions(
    p: Polynomial, known: Assumptions, budget: Budget
) -> dict[str, Any] | None:
    """Return a sign-proof `squares` that `p >= 0` under the assumptions; None if not found."""
    equalities = [h for h in known.equalities if h is not None]
    facts = [fact[0] for fact in known.facts if fact is not None]
    if not equalities and not facts:
        # On the orthant `prove_on_orthant` is stronger; with free variables a form is a square.
        return _prove_everywhere(p, known, budget) if FREE in known.signs else None
    search = _Search(p, known, find_zeros(p, known))
    for attempt in _list_attempts(p, known, facts):
        if budget.left < 1:
            return None
        found = search.make(attempt, budget.part(12, 0.5))
        if found is None and search.stalled and search.learn_irrational_zeros(budget):
            found = search.make(attempt, budget.part(12, 0.5))
        if found is not None:
            return found
    return None


def _list_attempts(
    p: Polynomial, known: Assumptions, facts: Sequence[Polynomial]
) -> Iterator[Attempt]:
    n, lowest = known.n, max(degree_of(p), 1)
    x = generators(n)
    one = constant(n, 1)
    pairs = sum((x[i] * x[j] for i, j in itertools.combinations(range(n), 2)), constant(n, 0))
    total, product = sum(x, one), math.prod(x, start=one)
    all_positive = all(sign == POSITIVE for sign in known.signs)
    for degree in range(lowest, lowest + (4 if lowest > 4 else 6)):
        for products, negated in ((1, False), (2, False), (1, True), (3, True)):
            if products > 1 and n - known.signs.count(FREE) + len(facts) < products:
                continue
            multipliers = [one]
            if known.on_orthant and (negated or products == 2):
                multipliers.append(total if negated or not all_positive else total - 1)
            if all_positive and products <= 2 and n >= 2:
                multipliers.append(pairs)
                if products == 1 and not negated:
                    multipliers.append(product)
            for multiplier in multipliers:
                if degree_of(p * multiplier) <= degree:
                    yield Attempt(degree, products, negated, multiplier)


@dataclass(slots=True)
class _Search:
    """What is known of one polynomial while sums of squares are looked for."""

    p: Polynomial
    known: Assumptions
    zeros: Sequence[Point]
    """Rational ones."""
    conjugates: Conjugates | None = None
    """What irrational zeros say; None before they are looked for."""
    stalled: bool = False
    """Whether the sum looked for last seems to exist, but could not be made exact."""

    def learn_irrational_zeros(self, budget: Budget) -> bool:
        """Look for irrational zeros, the first time; whether there are some."""
        if self.conjugates is not None:
            return False
        zeros = find_irrational_zeros(self.p, self.known, self.zeros, budget.part(3, 0.3))
        self.conjugates = Conjugates(zeros)
        return bool(zeros)

    def make(self, attempt: Attempt, budget: Budget) -> dict[str, Any] | None:
        """Return a sign-proof by a sum of one form; None if none is found."""
        self.stalled = False
        n, degree, known = self.known.n, attempt.degree, self.known
        if math.comb(n + degree // 2, n) > MOST_MONOMIALS:
            return None
        blocks = self._list_blocks(attempt)
        multiplied = [
            (j, Multiplied(h, list(_list_up_to(n, degree - degree_of(h)))))
            for j, h in enumerate(known.equalities)
            if h is not None and degree_of(h) <= degree
        ]
        target = self.p * attempt.multiplier
        program = GramProgram(target, blocks, [each for _, each in multiplied])
        if program.unknowns > MOST_UNKNOWNS:
            return None
        null = null_vectors_at(target, blocks, self.zeros, derivatives=False)
        if self.conjugates is not None:
            for index, vectors in self.conjugates.null_vectors(blocks).items():
                null.setdefault(index, []).extend(vectors)
        found = reduce_blocks(program, null).solve(budget)
        self.stalled = program.stalled
        if found is None:
            return None
        return {
            "by": "squares",
            "multiplier": to_json(attempt.multiplier),
            "negated": attempt.negated,
            "blocks": found.blocks,
            "equalities": [
                [j, to_json(multiplier)]
                for (j, _), multiplier in zip(multiplied, found.multipliers, strict=True)
                if not multiplier.is_zero()
            ],
        }

    def _list_blocks(self, attempt: Attempt) -> list[Block]:
        known, n = self.known, self.known.n
        base = [x for x, sign in zip(generators(n), known.signs, strict=True) if sign != FREE]
        base += [fact[0] for fact in known.facts if fact is not None]
        weights = subsets(base, attempt.products) or [constant(n, 1)]
        if attempt.negated:
            weights += [-self.p, *(-self.p * each for each in base)]
        left = [(weight, attempt.degree - degree_of(weight)) for weight in weights]
        return [Block(weight, list(_list_up_to(n, d // 2))) for weight, d in left if d >= 0]


def _list_up_to(n: int, degree: int) -> Iterator[tuple[int, ...]]:
    for d in range(degree + 1):
        yield from list_monomials(n, d)


def _prove_everywhere(p: Polynomial, known: Assumptions, budget: Budget) -> dict[str, Any] | None:
    """Prove a polynomial of free variables, times powers of their squares' sum."""
    n = known.n
    one = constant(n, 1)
    length = sum((x * x for x in generators(n)), constant(n, 0 if is_homogeneous(p) else 1))
    zeros = [zero for zero in find_zeros(p, known) if any(zero)]
    for power in (0, 1, 2):
        if budget.left < 1:
            return None
        target = p * length**power
        degree = degree_of(target)
        if degree % 2 or math.comb(n + degree // 2, n) > MOST_MONOMIALS:
            return None
        inside = keep_in_newton_polytope(target, (0,) * n, list(_list_up_to(n, degree // 2)))
        blocks = [Block(one, inside)]
        null = null_vectors_at(target, blocks, zeros, derivatives=False)
        program = reduce_blocks(GramProgram(target, blocks), null)
        found = program.solve(budget.part(20))
        if found is None and program.stalled and is_homogeneous(target):
            blocks = [Block(one, inside)]
            null = irrational_null_vectors(target, blocks, budget, orthant=False)
            if null:
                found = reduce_blocks(GramProgram(target, blocks), null).solve(budget.part(20))
        if found is not None:
            return {
                "by": "squares",
                "multiplier": to_json(length**power),
                "negated": False,
                "blocks": found.blocks,
                "equalities": [],
            }
    return None


def find_zeros(p: Polynomial, known: Assumptions) -> list[Point]:
    """Return rational points that the assumptions allow and at which `p` is 0."""
    equalities = [h for h in known.equalities if h is not None]
    facts = [fact[0] for fact in known.facts if fact is not None]
    size = max(abs(float(from_flint(c))) for c in p.coeffs())
    candidates = {*_list_grid(p, equalities, size), *_find_near(p, known, equalities, size)}
    found = []
    for point in sorted(candidates):
        allowed = (
            all(x >= 0 or sign == FREE for x, sign in zip(point, known.signs, strict=True))
            and all(evaluate(h, point) == 0 for h in equalities)
            and all(evaluate(g, point) >= 0 for g in facts)
        )
        if allowed and evaluate(p, point) == 0:
            found.append(point)
            if len(found) == MOST_ZEROS:
                break
    return found


_GRID = [Fraction(x) for x in "0 1 2 1/2 3/2 3 1/3 2/3 4/3 4 1/4 3/4".split()]


def _list_grid(p: Polynomial, equalities: Sequence[Polynomial], size: float) -> Iterator[Point]:
    n = size_of(p)
    if n > 4:
        return
    values = _GRID if n <= 3 else _GRID[:6]
    places = np.array(list(itertools.product(range(len(values)), repeat=n)))
    points = np.array([float(v) for v in values])[places]
    reach = np.maximum(1.0, points.max(axis=1)) ** degree_of(p)
    near = abs(compile_polynomial(p)(points)) < 1e-7 * size * reach
    for h in equalities:
        near &= abs(compile_polynomial(h)(points)) < 1e-7
    for place in places[near][:200]:
        yield tuple(values[k] for k in place)


def _find_near(
    p: Polynomial, known: Assumptions, equalities: Sequence[Polynomial], size: float
) -> Iterator[Point]:
    """Yield rational points near those at which a descent by sampling finds `p` smallest."""
    random = np.random.default_rng(3)
    points = _draw(known, random, 2000)
    value = compile_polynomial(p)
    penalties = [compile_polynomial(h) for h in equalities]
    facts = [compile_polynomial(fact[0]) for fact in known.facts if fact is not None]

    def measure(at: Floats) -> Floats:
        total = value(at) / size
        for h in penalties:
            total = total + 30 * h(at) ** 2
        for g in facts:
            total = total + 30 * np.minimum(g(at), 0) ** 2
        return np.where(np.isfinite(total), total, 1e9)

    for step in range(9):
        best = points[np.argsort(measure(points))[:30]]
        near = np.repeat(best, 40, axis=0)
        near = near * (1 + 0.3 ** (step + 1) * random.standard_normal(near.shape))
        for i, sign in enumerate(known.signs):
            if sign != FREE:
                near[:, i] = abs(near[:, i])
        points = np.vstack([best, near])
    order = np.argsort(measure(points))[:60]
    for point in points[order]:
        for denominator in (1, 2, 3, 6, 12):
            yield tuple(Fraction(round(float(x) * denominator), denominator) for x in point)


def _draw(known: Assumptions, random: np.random.Generator, count: int) -> Floats:
    n = known.n
    points = np.vstack([random.dirichlet(np.ones(n), count), random.exponential(1, (count, n))])
    for i, sign in enumerate(known.signs):
        if sign == FREE:
            points[:, i] *= np.sign(random.standard_normal(len(points)))
    return points
