"""Sides of lemmas as patterns: what is looked for, and what comes in its place."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from bench.inequalities.lips.rationals import divide
from bench.inequalities.lips.terms import (
    Renaming,
    Sum,
    find_content,
    find_degree,
    find_names,
    is_sum,
    scale,
)
from bench.inequalities.lips.writing import write
from bench.inequalities.polynomials import Floats
from bench.inequalities.proving.goals import subtract
from bench.inequalities.statements import compile_float, order_names


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A side of a lemma that is looked for, to put the other one in its place.

    It is equal to itself alone, so that what is known of it is found quickly.
    """

    terms: Sum
    other: Sum


class Shape(NamedTuple):
    """What matches depend on: patterns of one shape have the same ones."""

    terms: Sum
    twins: frozenset[tuple[int, int]]
    """Pairs of terms that change places while nothing else in the pattern changes.

    Only one of two matches that differ by that need be found: the one in the target's order."""
    takes_multiplier: bool
    """Whether a positive multiplier can go into the values of variables, and so is not looked for.
    """


def make_pattern(terms: Sum, other: Sum) -> Pattern:
    """Return a pattern whose coefficients are whole and have no common divisor."""
    factor = divide(1, find_content(terms)) if terms else 1
    return Pattern(scale(terms, factor), scale(other, factor))


@functools.lru_cache(maxsize=1 << 12)
def is_usable(pattern: Pattern) -> bool:
    """Whether a match gives a value to every variable of the other side."""
    names = find_names(pattern.terms)
    return bool(names) and find_names(pattern.other) <= names


@functools.lru_cache(maxsize=1 << 12)
def find_shape(pattern: Pattern) -> Shape:
    """Return the shape of a pattern, one object for all that have it."""
    return _unify(Shape(pattern.terms, find_twins(pattern), takes_multiplier(pattern)))


@functools.lru_cache(maxsize=1 << 12)
def _unify(shape: Shape) -> Shape:
    return shape


@functools.lru_cache(maxsize=1 << 14)
def count_sums(terms: Sum, sign: int) -> int:
    """Return in how many terms a sum has an exponent of a sign."""
    return sum(any(is_sum(base) and k * sign > 0 for base, k in term.powers) for term in terms)


def takes_multiplier(pattern: Pattern) -> bool:
    """Whether a positive multiplier can go into the values of variables.

    It can if both sides have the degree 1 in some of the variables, as `u + v >= 2*sqrt(u*v)`.
    """
    names = sorted(find_names(pattern.terms))
    chosen = (c for size in range(1, len(names) + 1) for c in itertools.combinations(names, size))
    return any(
        find_degree(pattern.terms, each) == 1 == find_degree(pattern.other, each)
        for each in map(frozenset, chosen)
    )


def find_twins(pattern: Pattern) -> frozenset[tuple[int, int]]:
    """Return pairs of the pattern's terms that change places while nothing else in it changes."""
    names = sorted(find_names(pattern.terms))
    indices = sorted({name[1:] for name in names} - {""})
    swaps = [{left: right, right: left} for left, right in itertools.combinations(names, 2)]
    swaps += [
        {f"{n[0]}{old}": f"{n[0]}{new}" for n in names for old, new in ((i, j), (j, i))}
        for i, j in itertools.combinations(indices, 2)
    ]
    found = set()
    for swap in swaps:
        put = Renaming(swap)
        if (put(pattern.terms), put(pattern.other)) != (pattern.terms, pattern.other):
            continue
        images = [pattern.terms.index(put((term,))[0]) for term in pattern.terms]
        moved = [i for i, image in enumerate(images) if i != image]
        if len(moved) == 2:
            found.add((moved[0], moved[1]))
    return frozenset(found)


@functools.lru_cache(maxsize=1 << 12)
def compile_gain(pattern: Pattern) -> tuple[list[str], Callable[[Floats], Floats]]:
    """Return a pattern's variables, and the other side less the pattern as a function of them.

    It takes points, shape (points, variables), to values, shape (points,).
    """
    names = order_names(find_names(pattern.terms))
    return names, compile_float(subtract(write(pattern.other), write(pattern.terms)), names)
