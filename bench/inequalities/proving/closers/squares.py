"""Sums of squares on the orthant: `(sum of x)^k p` = sum of products of variables times squares."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import (
    Exponents,
    Polynomial,
    constant,
    degree_of,
    generators,
    is_homogeneous,
    make,
    size_of,
    terms_of,
    to_json,
)
from bench.inequalities.proving.closers.gram import Block, GramProgram, reduce_blocks
from bench.inequalities.proving.closers.zeros import (
    find_grid_zeros,
    irrational_null_vectors,
    null_vectors_at,
)

MOST_MONOMIALS = 160
"""Monomials of the largest block, above which a sum is not looked for."""


def prove_by_squares(p: Polynomial, budget: Budget, *, power: int = 0) -> dict[str, Any] | None:
    """Return a nonneg-proof `squares` with the multiplier `(sum of x)^power`; None if not found."""
    n, homogeneous = size_of(p), is_homogeneous(p)
    total = sum(generators(n), constant(n, 0 if homogeneous else 1))
    multiplier = total**power
    target = p * multiplier
    blocks = _list_blocks(target)
    if blocks is None:
        return None
    program = reduce_blocks(
        GramProgram(target, blocks), null_vectors_at(target, blocks, find_grid_zeros(target))
    )
    found = program.solve(budget)
    if found is None and program.stalled and homogeneous and power == 0 and budget.left > 1:
        blocks = _list_blocks(target) or []
        null = irrational_null_vectors(target, blocks, budget, orthant=True)
        if null:
            for index, vectors in null_vectors_at(target, blocks, find_grid_zeros(target)).items():
                null.setdefault(index, []).extend(vectors)
            found = reduce_blocks(GramProgram(target, blocks), null).solve(budget)
    if found is None:
        return None
    return {"by": "squares", "multiplier": to_json(multiplier), "blocks": found.blocks}


def _list_blocks(target: Polynomial) -> list[Block] | None:
    """Return a block for every product of different variables; None where they are too many."""
    n, degree, homogeneous = size_of(target), degree_of(target), is_homogeneous(target)
    half = degree // 2
    largest = math.comb(n + half - 1, half) if homogeneous else math.comb(n + half, half)
    if n > 8 or largest > MOST_MONOMIALS:
        return None
    lowest = min(sum(e) for e in terms_of(target))
    kept: dict[Exponents, list[Exponents]] = {}
    for weight in itertools.product((0, 1), repeat=n):
        left = degree - sum(weight)
        if left < 0 or (homogeneous and left % 2):
            continue
        if homogeneous:
            monomials = list(list_monomials(n, left // 2))
        else:
            monomials = [
                m
                for d in range(left // 2 + 1)
                for m in list_monomials(n, d)
                if 2 * d + sum(weight) + 1 >= lowest
            ]
        monomials = keep_in_newton_polytope(target, weight, monomials)
        if monomials:
            kept[weight] = monomials
    while _drop_idle(target, kept):
        pass
    return [Block(make(n, {w: Fraction(1)}), monomials) for w, monomials in kept.items()]


def _drop_idle(target: Polynomial, kept: dict[Exponents, list[Exponents]]) -> bool:
    """Drop monomials whose squares nothing can cancel, and which the target has not.

    Weighted squares add up to the coefficients of such a product, all of which are 0 then.
    """
    support, mixed = set(terms_of(target)), set[Exponents]()
    for weight, monomials in kept.items():
        for pair in itertools.combinations(monomials, 2):
            mixed.add(tuple(map(sum, zip(weight, *pair, strict=True))))
    dropped = False
    for weight, monomials in list(kept.items()):
        left = [
            m
            for m in monomials
            if (e := tuple(w + 2 * k for w, k in zip(weight, m, strict=True))) in support
            or e in mixed
        ]
        dropped |= len(left) < len(monomials)
        kept[weight] = left
    for weight in [weight for weight, monomials in kept.items() if not monomials]:
        del kept[weight]
    return dropped


def list_monomials(n: int, degree: int) -> Iterator[Exponents]:
    """Yield the exponents of all monomials of a degree."""
    if n == 1:
        yield (degree,)
        return
    for first in range(degree, -1, -1):
        for rest in list_monomials(n - 1, degree - first):
            yield (first, *rest)


def keep_in_newton_polytope(
    target: Polynomial, weight: Exponents, monomials: Sequence[Exponents]
) -> list[Exponents]:
    """Drop monomials whose weighted square sticks out of the target's Newton polytope.

    Seen from some directions only: what is kept may stick out, what is dropped does.
    """
    if not monomials:
        return []
    n = size_of(target)
    directions = np.vstack(
        [
            [v for v in itertools.product((-1.0, 0.0, 1.0), repeat=n) if any(v)],
            np.random.default_rng(0).standard_normal((40, n)),
        ]
    )
    support = np.array(list(terms_of(target)), dtype=float)
    furthest = (support @ directions.T).max(axis=0)
    squares = 2 * np.array(monomials, dtype=float) + np.array(weight, dtype=float)
    inside = (squares @ directions.T <= furthest + 1e-9).all(axis=1)
    return [m for m, kept in zip(monomials, inside, strict=True) if kept]
