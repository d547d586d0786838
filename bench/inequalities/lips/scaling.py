"""Scaling: a side of an inequality replaced by a bound of it, by one of the lemmas.

The larger side is replaced by something smaller, or the smaller one by something larger. A lemma
bounds terms of a side, of a denominator, of a radicand or of a power: what stands around them has
to be monotone. Where a cyclic change of the variables leaves the goal as it is, a lemma is used for
the images of the terms as well, all at once, so that the new goal has the symmetry again.

That a step is right, and that the new goal is true, is not proved here: the proof of a step is a
step `replace` of FORMAT.md. Where points are given at which the new goal has to hold, what is false
there is dropped before it is written; `filtering` tries the others at all its points.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.inequalities.lips.lemmas import CONTEXT, Lemma, load_proved
from bench.inequalities.lips.matching import Match
from bench.inequalities.lips.patterns import Pattern, compile_gain, is_usable, make_pattern
from bench.inequalities.lips.places import Place, Places, exchange
from bench.inequalities.lips.rationals import Number, divide
from bench.inequalities.lips.symmetries import Symmetries
from bench.inequalities.lips.terms import (
    ONE,
    Algebra,
    Sum,
    count_roots,
    find_algebra,
    find_degree,
    join,
    measure,
    scale,
)
from bench.inequalities.lips.values import Values
from bench.inequalities.lips.writing import write
from bench.inequalities.polynomials import Floats
from bench.inequalities.proving.goals import begin
from bench.inequalities.statements import (
    Expression,
    Relation,
    Statement,
    find_variables,
    order_names,
)

MOST_INSTANCES = 128
"""Different new goals that are taken from a lemma."""
TOLERANCE = 1e-8
"""By how much, relative to their size, a new goal's sides may be in the wrong order at a point."""

Side = Literal["larger", "smaller"]
Pairs = tuple[tuple[Sum, Sum], ...]


@dataclass(frozen=True, slots=True)
class Scaling:
    """A new goal from which the old one follows, by a lemma used on one side."""

    lemma: str
    side: Side
    """The side of the goal that was replaced."""
    larger: Expression
    smaller: Expression
    equality: tuple[tuple[Expression, Expression], ...]
    """Where these pairs are equal, nothing is lost."""


def list_scalings(
    larger: Expression,
    smaller: Expression,
    assumptions: Sequence[Relation] = (),
    lemmas: Sequence[Lemma] | None = None,
    points: Mapping[str, Floats] | None = None,
    most: int | None = None,
    draw: random.Random | None = None,
) -> list[Scaling]:
    """Return the ways to scale the goal `larger >= smaller`, in the order of the lemmas.

    Lemmas with other conditions than signs come last, and only where the assumptions say more than
    signs and equalities, too: what another one gives as well is its. New
    goals that a symmetry of the goal makes one of the others, or the goal itself, are left out, and
    those with more roots of sums than the goal has: there is no end of them, and nothing is proved
    through them.

    Args:
        larger: the larger side.
        smaller: the smaller one.
        assumptions: what the variables satisfy.
        lemmas: those that are used; without, all that have a proof.
        points: of the domain, where the goal has a value: the coordinates by variable. A new goal
            that is false at one of them, or at an image of it, is left out.
        most: how many are returned; without, all. Those come first under which the variables still
            go round, if they did, and of these the shortest.
        draw: chooses them by chance instead.
    """
    search = _Search(larger, smaller, assumptions, points)
    found: list[_Proposal] = []
    given = load_proved() if lemmas is None else lemmas
    usable = [each for each in given if each.family != CONTEXT]
    for lemma in sorted(usable, key=lambda each: _read_lemma(each).conditional):
        found += itertools.islice(search.scale_by(lemma), MOST_INSTANCES)
    if most is not None and len(found) > most:
        if draw is not None:
            draw.shuffle(found)
        else:
            found.sort(key=lambda each: (each.broken, measure(each.terms)))
    return [search.finish(each) for each in found[:most]]


class _Lemma(NamedTuple):
    """A lemma as patterns."""

    above: Pattern
    """The larger side, for which the smaller one comes."""
    below: Pattern
    equality: Pairs
    conditional: bool
    """Whether it has other conditions than signs: an order, a triangle."""


@functools.lru_cache(maxsize=1 << 10)
def _read_lemma(lemma: Lemma) -> _Lemma:
    goal = begin(lemma.statement, lemma.statement.claims[0])
    read = Algebra([v for v in goal.variables if goal.is_nonnegative(v)]).read
    larger, smaller = read(lemma.larger), read(lemma.smaller)
    pairs = tuple((read(left), read(right)) for left, right in lemma.equality)
    return _Lemma(
        make_pattern(larger, smaller), make_pattern(smaller, larger), pairs, bool(goal.facts)
    )


class _Change(NamedTuple):
    """A part of a side and what comes in its place."""

    removed: Sum
    added: Sum
    equality: Pairs
    """When nothing is lost by it; by the image of a change, where the images of these are equal."""
    images: int = 1
    """How many images of the first terms are among these."""


class _Proposal(NamedTuple):
    """A new goal that is not written yet."""

    lemma: str
    side: Side
    change: _Change
    terms: Sum
    """The new side."""
    broken: bool
    """Whether the variables no longer go round, as they did."""


class _Search:
    """One goal: what it is, its symmetries, and which new goals were seen."""

    def __init__(
        self,
        larger: Expression,
        smaller: Expression,
        assumptions: Sequence[Relation],
        points: Mapping[str, Floats] | None,
    ) -> None:
        sides = (larger, smaller, *(side for _, *pair in assumptions for side in pair))
        self._names = order_names(frozenset[str]().union(*map(find_variables, sides)))
        claim = (">=", larger, smaller)
        goal = begin(Statement(tuple(self._names), tuple(assumptions), (claim,)), claim)
        self._has_facts = bool(goal.facts)
        self._algebra = find_algebra(frozenset(filter(goal.is_nonnegative, self._names)))
        read = self._algebra.read
        self._sides: dict[Side, Sum] = {"larger": read(larger), "smaller": read(smaller)}
        known = [(op, read(left), read(right)) for op, left, right in assumptions]
        self._scalable = all(
            self._has_degree_of(left, right) for _, left, right in [*known, ("", *self._both)]
        )
        """Whether goal and assumptions stay true if all variables are multiplied by a number.

        A bound of another degree than the terms that it bounds then makes the goal false."""
        symmetries = Symmetries(self._names, self._both, known)
        self._shift = symmetries.shift
        rows, self._tested, self._turn = symmetries.lay_out(
            dict.fromkeys(self._names, np.zeros(0)) if points is None else points
        )
        self._values = Values(self._names, rows)
        self._at = {side: self._values.of(self._sides[side]) for side in self._sides}
        places = Places(self._algebra, self._values)
        self._places = {side: list(places.list_places(self._sides[side])) for side in self._sides}
        self._changes: set[tuple[Side, str]] = set()
        self._seen = {self._spell_goal(self._at)}

    @property
    def _both(self) -> tuple[Sum, Sum]:
        return self._sides["larger"], self._sides["smaller"]

    def scale_by(self, lemma: Lemma) -> Iterator[_Proposal]:
        """Yield what a lemma makes of the goal, nothing twice."""
        if _read_lemma(lemma).conditional and not self._has_facts:
            return
        sides: tuple[Side, Side] = ("larger", "smaller")
        for side in sides:
            for place in self._places[side]:
                shrinks = place.grows == (side == "larger")
                pattern = _read_lemma(lemma).above if shrinks else _read_lemma(lemma).below
                if is_usable(pattern) and not (place.single and len(pattern.terms) > 1):
                    found = place.target.match(pattern)
                    if found:
                        yield from self._scale(lemma, side, place, pattern, found)

    def _scale(
        self, lemma: Lemma, side: Side, place: Place, pattern: Pattern, found: Sequence[Match]
    ) -> Iterator[_Proposal]:
        """Yield the goals after matches of one place."""
        gains = place.carry(self._compute_gains(pattern, found))
        alone = self._holds(side, gains)
        together = np.zeros_like(alone)
        if self._shift is not None:
            # All images together lose a mean of them at least.
            whole = self._turn_around(gains, len(self._names))
            together = self._holds(side, whole / len(self._names))
        for i in map(int, np.flatnonzero(alone | together)):
            gain = gains[i]
            spelled = self._spell_change(gain)
            if spelled is not None and (side, spelled) in self._changes:
                continue
            change = self._read_change(lemma, place, pattern, found[i])
            if change is None or count_roots(change.added) > count_roots(change.removed):
                continue
            key = spelled or f"{change.removed} {change.added}"
            if (side, key) in self._changes:
                continue
            self._changes.add((side, key))
            if alone[i]:
                yield from self._make(lemma, side, change, gain)
            joined = self._join_images(side, change) if together[i] else None
            if joined is not None:
                share, change = joined
                gain = float(share) * self._turn_around(gain, change.images)
                if self._holds(side, gain):
                    yield from self._make(lemma, side, change, gain)

    def _make(self, lemma: Lemma, side: Side, change: _Change, gain: Floats) -> Iterator[_Proposal]:
        """Yield the goal after a change, unless it was seen."""
        spelled = self._spell_goal({**self._at, side: self._at[side] + gain})
        if spelled is None:
            spelled = f"{side} {change.removed} {change.added}"
        if spelled in self._seen:
            return
        self._seen.add(spelled)
        terms = join(self._sides[side], exchange(change.removed, change.added))
        new = self._at[side] + gain
        broken = self._shift is not None and not np.allclose(new, new[self._turn], equal_nan=True)
        yield _Proposal(lemma.name, side, change, terms, broken)

    def finish(self, proposal: _Proposal) -> Scaling:
        """Return the new goal as it is written."""
        sums = {**self._sides, proposal.side: self._algebra.shorten(proposal.terms)}
        written = write(sums["larger"]), write(sums["smaller"])
        equality = tuple(self._list_equality(proposal.change))
        return Scaling(proposal.lemma, proposal.side, *written, equality)

    # Changes

    def _read_change(
        self, lemma: Lemma, place: Place, pattern: Pattern, found: Match
    ) -> _Change | None:
        """Return what a match changes; None where it has another degree than it had, or is none."""
        put = functools.partial(self._algebra.substitute, values=found.values)
        part = place.target.find_part(pattern, found)
        bound = self._algebra.multiply((found.multiplier,), put(pattern.other))
        if part is None or (self._scalable and not self._has_degree_of(part, bound)):
            return None
        pairs = tuple((put(left), put(right)) for left, right in _read_lemma(lemma).equality)
        return _Change(*place.embed(part, bound), pairs)

    def _join_images(self, side: Side, change: _Change) -> tuple[Number, _Change] | None:
        """Return a change with its images, and the share of them that the side has.

        None where there is no other image, or not all are in the side.
        """
        images = [(change.removed, change.added)]
        while self._shift is not None and len(images) < len(self._names):
            image = self._shift(images[-1][0]), self._shift(images[-1][1])
            if image == images[0]:
                break
            images.append(image)
        removed, added = (join(*(image[i] for image in images)) for i in (0, 1))
        share = _find_share(self._sides[side], removed)
        if len(images) < 2 or not share:
            return None
        together = scale(removed, share), scale(added, share)
        return share, _Change(*together, change.equality, len(images))

    def _list_equality(self, change: _Change) -> Iterator[tuple[Expression, Expression]]:
        pairs = change.equality
        for number in range(change.images):
            if number and self._shift is not None:
                pairs = tuple((self._shift(x), self._shift(y)) for x, y in pairs)
            yield from ((write(x), write(y)) for x, y in pairs if x != y)

    def _has_degree_of(self, left: Sum, right: Sum) -> bool:
        names = frozenset(self._names)
        degrees = [find_degree(each, names) for each in (left, right) if each]
        return None not in degrees and len(set(degrees)) == 1

    # Numbers

    def _compute_gains(self, pattern: Pattern, found: Sequence[Match]) -> Floats:
        """Return what the terms of a place gain by each match, shape (matches, points)."""
        names, gain = compile_gain(pattern)
        at = [[self._values.of_term(each.values[name]) for each in found] for name in names]
        factors = np.array([self._values.of_term(each.multiplier) for each in found])
        columns = np.array(at).reshape(len(names), -1).T
        with np.errstate(all="ignore"):
            return factors * gain(columns).reshape(factors.shape)

    def _holds(self, side: Side, gains: Floats) -> NDArray[np.bool_]:
        """Return which gains bound a side, and leave the goal true, at all tested points."""
        gains = gains[..., : self._tested]
        larger, smaller = (self._at[s][: self._tested] for s in ("larger", "smaller"))
        if side == "larger":
            kept = _is_above(larger, larger + gains) & _is_above(larger + gains, smaller)
        else:
            kept = _is_above(smaller + gains, smaller) & _is_above(larger, smaller + gains)
        return np.asarray(kept.all(axis=-1))

    def _turn_around(self, gain: Floats, images: int) -> Floats:
        """Return the sum of a function's images, so many of them, at all points."""
        total, image = gain, gain
        for _ in range(images - 1):
            image = image[..., self._turn]
            total = total + image
        return total

    def _spell_change(self, gain: Floats) -> str | None:
        """Return a text that changes share which are the same function, up to the shift.

        None where one has no value.
        """
        texts, at = list[str](), self._tested
        while not texts or at != self._tested:
            if not np.isfinite(gain[at]):
                return None
            texts.append(f"{gain[at]:.8e}")
            at = int(self._turn[at])
        return min(" ".join(texts[i:] + texts[:i]) for i in range(len(texts)))

    def _spell_goal(self, at: Mapping[Side, Floats]) -> str | None:
        """Return a text that goals share which are the same function, up to a symmetry.

        None where a side has no value.
        """
        larger, smaller = (at[side][self._tested :] for side in ("larger", "smaller"))
        if not (np.isfinite(larger).all() and np.isfinite(smaller).all()):
            return None
        pairs = zip(larger, smaller, strict=True)
        return " ".join(sorted(f"{left:.8e}>={right:.8e}" for left, right in pairs))


def _is_above(larger: Floats, smaller: Floats) -> NDArray[np.bool_]:
    with np.errstate(all="ignore"):
        above: NDArray[np.bool_] = larger - smaller >= -TOLERANCE * (abs(larger) + abs(smaller))
    return above


def _find_share(side: Sum, removed: Sum) -> Number:
    """Return the largest number up to 1 whose multiple of a part a side has; 0 if it has none."""
    there = {term.powers: term.coefficient for term in side}
    ratios = [divide(there.get(t.powers, 0), t.coefficient) for t in removed]
    return max(0, min([ONE, *ratios]))
