"""The order in which goals are tried: LIPS's symbolic cost, as its code computes it.

A goal is cheap if it is short (calc), if its terms have few variables in common (dec), and if the
terms of a side have one degree (hom). The paper's own formulas were not read; these follow the
published code (`LIPS/ranker.py`), whose running script leaves hom out.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from bench.inequalities.statements import Expression, find_variables

NOT_HOMOGENEOUS = 1000
"""Cost of a goal whose sides together have no degree."""
PER_DEGREE = 30
"""Cost of terms of different degrees."""
LEVELS = 4
"""Levels of a term's tree on which variables are counted."""
SHALLOW = 3
"""Levels of a term to which its degree is read; below, it counts as 1."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What makes a goal hard, each part an amount of its own; lower is better."""

    calc: int
    dec: int
    hom: int

    def total(self, *, decoupling: bool = True, homogeneity: bool = True) -> int:
        """Return the sum of the parts that count."""
        return self.calc + (self.dec if decoupling else 0) + (self.hom if homogeneity else 0)


def measure_cost(larger: Expression, smaller: Expression) -> Cost:
    """Return the cost of `larger >= smaller`."""
    sides = (larger, smaller)
    return Cost(
        calc=sum(map(count_operators, sides)),
        dec=sum(map(_measure_coupling, sides)),
        hom=_measure_homogeneity(sides),
    )


def count_operators(e: Expression) -> int:
    """Return how many of + - * / ^ an expression has; a difference is one operator."""
    if not isinstance(e, tuple):
        return 0
    op, *parts = e
    inner = sum(map(count_operators, parts))
    if op == "+":
        # In `a - b` the minus of the term is the sum's own operator.
        minus = sum(isinstance(part, tuple) and part[0] == "-" for part in parts[1:])
        return inner + len(parts) - 1 - minus
    return inner + max(1, len(parts) - 1)


def list_terms(e: Expression) -> tuple[Expression, ...]:
    """Return the terms of a sum; of another expression itself."""
    return e[1:] if isinstance(e, tuple) and e[0] == "+" else (e,)


def find_degree(e: Expression) -> Fraction | None:
    """Return the degree of a homogeneous expression; None of another, as it is written."""
    if isinstance(e, Fraction):
        return Fraction(0)
    if isinstance(e, str):
        return Fraction(1)
    op, *parts = e
    if op == "^":
        base, exponent = find_degree(parts[0]), parts[1]
        if base is None or not isinstance(exponent, Fraction):
            return None
        return base * exponent
    known = [degree for degree in map(find_degree, parts) if degree is not None]
    if len(known) < len(parts):
        return None
    if op == "*":
        return sum(known, Fraction(0))
    if op == "/":
        return known[0] - known[1]
    # A zero has every degree.
    real = {k for k, part in zip(known, parts, strict=True) if part != Fraction(0)}
    return known[0] if len(real) < 2 else None


@functools.lru_cache(maxsize=1 << 14)
def _find_variables(e: Expression) -> frozenset[str]:
    return find_variables(e)


def _measure_coupling(side: Expression) -> int:
    found = [_count_by_level(term) for term in list_terms(side)]
    return max(found) + min(found)


def _count_by_level(term: Expression) -> int:
    """Return the variables of the nodes of the upper levels, until no node has two."""
    total, level = 0, [term]
    for _ in range(LEVELS):
        counts = [len(_find_variables(node)) for node in level]
        total += sum(counts)
        if max(counts, default=0) <= 1:
            break
        level = [part for node in level if isinstance(node, tuple) for part in node[1:]]
    return total


def _measure_homogeneity(sides: Iterable[Expression]) -> int:
    sides = tuple(sides)
    whole = find_degree(("+", *sides))
    if whole is None:
        return NOT_HOMOGENEOUS
    spread = Fraction(0)
    for side in sides:
        degrees = [_read_shallow_degree(term, SHALLOW) for term in list_terms(side)]
        spread += (max(degrees) - min(degrees)) / (abs(max(degrees)) + 1)
    return int(PER_DEGREE * spread)


def _read_shallow_degree(e: Expression, levels: int) -> Fraction:
    if isinstance(e, Fraction):
        return Fraction(0)
    if isinstance(e, str) or levels == 0:
        return Fraction(1)
    op, *parts = e
    if op == "^":
        return parts[1] if isinstance(parts[1], Fraction) else Fraction(1)
    degrees = [_read_shallow_degree(part, levels - 1) for part in parts]
    if op == "*":
        return sum(degrees, Fraction(0))
    if op == "/":
        return degrees[0] - degrees[1]
    return max(degrees)
