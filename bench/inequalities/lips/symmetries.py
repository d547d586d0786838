"""Permutations of the variables that leave a goal as it is, and points that are closed under them.

A function's value at a permuted point is its image's value at the point. So what is computed at all
images of some points says everything of the images of a function, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.inequalities.lips.terms import Renaming, Sum, spell
from bench.inequalities.polynomials import Floats

MOST_PERMUTED = 5
"""Variables of which all permutations are tried as symmetries."""

Names = Mapping[str, str]
Known = tuple[str, Sum, Sum]
"""A relation between two sums."""


class Symmetries:
    """The symmetries of a goal, and the points at which it is looked at."""

    def __init__(
        self, names: Sequence[str], sides: Sequence[Sum], assumptions: Sequence[Known]
    ) -> None:
        """Find the permutations under which both sides, and the assumptions, stay the same."""
        self._names = names
        self._found = list(_find(names, sides, assumptions))
        self._renamings = list(map(Renaming, self._found))
        self._cycle = next(filter(_is_cycle, self._found), None)
        self.shift = None if self._cycle is None else Renaming(self._cycle)
        """One under which the variables go round; None where there is none."""

    def spell(self, terms: Sum) -> str:
        """Return a text that sums share which are images of one another."""
        return min(spell(put(terms)) for put in self._renamings)

    def lay_out(self, points: Mapping[str, Floats]) -> tuple[Floats, int, NDArray[np.intp]]:
        """Return points, how many of them are images of the given ones, and where each goes.

        The given ones come first with their images under the shift. Then comes one near (1, ...,
        1), where few expressions have no value, with its images under all symmetries. The value of
        a function's image under the shift at one of all these is the function's at another one.
        """
        turns = self._list_turns()
        given = np.vstack(
            [np.column_stack([points[turn[v]] for v in self._names]) for turn in turns]
        )
        count = len(given) // len(turns)
        value = self._draw()
        other = np.array([[value[image[v]] for v in self._names] for image in self._found])
        turned = np.roll(np.arange(len(given)), -count)
        if self._cycle is not None:
            after = [{v: image[self._cycle[v]] for v in self._names} for image in self._found]
            moved = [len(given) + self._found.index(image) for image in after]
        else:
            moved = list(range(len(given), len(given) + len(other)))
        return np.vstack([given, other]), len(given), np.array([*turned, *moved], dtype=np.intp)

    def lay_out_shift(self) -> Floats:
        """Return a point near (1, ..., 1) and its images under the shift."""
        value = self._draw()
        return np.array([[value[turn[v]] for v in self._names] for turn in self._list_turns()])

    def _draw(self) -> dict[str, float]:
        random = np.random.default_rng(0)
        return dict(zip(self._names, random.uniform(0.8, 1.2, len(self._names)), strict=True))

    def _list_turns(self) -> list[Names]:
        """Return the powers of the shift, the identity first; alone without one."""
        turns: list[Names] = [{v: v for v in self._names}]
        while self._cycle is not None and len(turns) < len(self._names):
            turns.append({v: turns[-1][self._cycle[v]] for v in self._names})
        return turns


def _find(
    names: Sequence[str], sides: Sequence[Sum], assumptions: Sequence[Known]
) -> Iterator[Names]:
    """Yield the permutations, the one that takes each variable to the next first."""
    turns = [[*names[i:], *names[:i]] for i in (*range(1, len(names)), 0)]
    images = turns
    if len(names) <= MOST_PERMUTED:
        images = turns[:1] + [
            list(image) for image in itertools.permutations(names) if list(image) != turns[0]
        ]
    known = set(assumptions)
    for image in images:
        permuted = dict(zip(names, image, strict=True))
        put = Renaming(permuted)
        if {(op, put(left), put(right)) for op, left, right in known} == known:
            if all(put(side) == side for side in sides):
                yield permuted


def _is_cycle(image: Names) -> bool:
    """Whether a permutation moves all variables in one cycle."""
    first = next(iter(image))
    at, length = image[first], 1
    while at != first:
        at, length = image[at], length + 1
    return 1 < length == len(image)
