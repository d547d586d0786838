"""Where in a side a lemma may be used: terms, those of a denominator, of a radicand, of a power.

A place knows in which direction the side goes with its terms, and what a bound of them makes of the
side: of its terms, and of its values at points.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from bench.inequalities.lips.matching import Target, find_target
from bench.inequalities.lips.rationals import Number
from bench.inequalities.lips.terms import (
    ONE,
    Algebra,
    Sum,
    Term,
    as_sum,
    as_term,
    is_sum,
    join,
    scale,
    times,
)
from bench.inequalities.lips.values import Values
from bench.inequalities.polynomials import Floats

MOST_DEPTH = 2
"""Sums within sums in which terms are looked for."""

Embed = Callable[[Sum, Sum], tuple[Sum, Sum]]
Carry = Callable[[Floats], Floats]


class Place(NamedTuple):
    """Terms that a lemma may bound, and how a bound of them bounds the side."""

    target: Target
    grows: bool
    """Whether the side grows with the terms."""
    embed: Embed
    """Makes of a part of the terms and its bound a part of the side and its bound."""
    carry: Carry
    """Makes of what the terms gain, at the points, what the side gains."""
    single: bool = False
    """Whether the one term has to be bounded as a whole."""


def exchange(removed: Sum, added: Sum) -> Sum:
    """Return what a sum gains when a part of it is replaced."""
    return join(added, scale(removed, -1))


def _pair(part: Sum, bound: Sum) -> tuple[Sum, Sum]:
    """Embed a part that is terms of the side as they stand."""
    return part, bound


def _exchange_in(side: Sum, expanded: Sum, part: Sum, bound: Sum) -> tuple[Sum, Sum]:
    """Embed a part of a side that was multiplied out."""
    return side, join(expanded, exchange(part, bound))


class Places:
    """Finds the places of sides."""

    def __init__(self, algebra: Algebra, values: Values) -> None:
        """Compute with an algebra, and at the points of the values."""
        self._algebra = algebra
        self._values = values

    def list_places(self, side: Sum) -> Iterator[Place]:
        """Yield the places of a side: from outside to inside, and multiplied out at last."""
        yield from self._list_within(side, True, _pair, lambda gain: gain, MOST_DEPTH)
        for term in side:
            if term.coefficient > 0 and any(k < 0 for _, k in term.powers):
                # A product in a denominator: its bound is a denominator again.
                turned = self._algebra.raise_term(term, -1)
                embed = functools.partial(self._embed_reciprocal, term)
                carry = functools.partial(self._carry_reciprocal, term)
                yield Place(find_target((turned,), self._algebra), False, embed, carry, single=True)
        expanded = self._algebra.expand(side)
        if expanded is not None and expanded != side:
            whole = functools.partial(_exchange_in, side, expanded)
            yield from self._list_within(expanded, True, whole, lambda gain: gain, 0)

    def _list_within(
        self, terms: Sum, grows: bool, embed: Embed, carry: Carry, depth: int
    ) -> Iterator[Place]:
        plus = tuple(term for term in terms if term.coefficient > 0)
        minus = scale(tuple(term for term in terms if term.coefficient < 0), -1)
        if plus:
            yield Place(find_target(plus, self._algebra), grows, embed, carry)
        if minus:
            yield Place(
                find_target(minus, self._algebra),
                not grows,
                lambda part, bound: embed(scale(part, -1), scale(bound, -1)),
                lambda gain: carry(-gain),
            )
        if not depth:
            return
        for term in terms:
            for base, k in term.powers:
                if is_sum(base):
                    put = functools.partial(self._embed_in_base, term, base, k, embed)
                    move = functools.partial(self._carry_in_base, term, base, k, carry)
                    rises = grows if term.coefficient * k > 0 else not grows
                    yield from self._list_within(base, rises, put, move, depth - 1)

    def _embed_in_base(
        self, term: Term, base: Sum, k: Number, embed: Embed, part: Sum, bound: Sum
    ) -> tuple[Sum, Sum]:
        new = as_term(join(base, exchange(part, bound)))
        outside = times(term, Term(ONE, ((base, -k),)))
        return embed((term,), as_sum(times(outside, self._algebra.raise_term(new, k))))

    def _carry_in_base(
        self, term: Term, base: Sum, k: Number, carry: Carry, gain: Floats
    ) -> Floats:
        whole, inner = self._values.of_term(term), self._values.of_base(base)
        with np.errstate(all="ignore"):
            return carry(whole * ((1 + gain / inner) ** float(k) - 1))

    def _embed_reciprocal(self, term: Term, part: Sum, bound: Sum) -> tuple[Sum, Sum]:
        return (term,), self._algebra.raise_to(bound, -1)

    def _carry_reciprocal(self, term: Term, gain: Floats) -> Floats:
        whole = self._values.of_term(term)
        with np.errstate(all="ignore"):
            turned: Floats = whole / (1 + gain * whole) - whole
        return turned
