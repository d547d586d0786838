"""Sides of lemmas as patterns: what is looked for, and what comes in its place."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

from bench.inequalities.lips.terms import Renaming, Sum, find_degree, find_names


@dataclass(frozen=True, slots=True)
class Pattern:
    """A side of a lemma that is looked for, to put the other one in its place."""

    terms: Sum
    other: Sum

    @property
    def is_usable(self) -> bool:
        """Whether a match gives a value to every variable of the other side."""
        return bool(find_names(self.terms)) and find_names(self.other) <= find_names(self.terms)


@functools.lru_cache(maxsize=1 << 12)
def takes_multiplier(pattern: Pattern) -> bool:
    """Whether a positive multiplier can go into the values of variables, and so need not be found.

    It can if both sides have the degree 1 in some of the variables, as `u + v >= 2*sqrt(u*v)`.
    """
    names = sorted(find_names(pattern.terms))
    chosen = (c for size in range(1, len(names) + 1) for c in itertools.combinations(names, size))
    return any(
        find_degree(pattern.terms, each) == 1 == find_degree(pattern.other, each)
        for each in map(frozenset, chosen)
    )


@functools.lru_cache(maxsize=1 << 12)
def find_twins(pattern: Pattern) -> frozenset[tuple[int, int]]:
    """Return pairs of the pattern's terms that change places while nothing else in it changes.

    Only one of two matches that differ by that need be found: the one in the target's order.
    """
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
