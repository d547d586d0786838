"""Scaling: a side of an inequality replaced by a bound of it, by one of the lemmas.

The larger side is replaced by something smaller, or the smaller one by something larger. A lemma
bounds terms of a side, of a denominator, of a radicand or of a power: what stands around them has
to be monotone. Where a cyclic change of the variables leaves the goal as it is, a lemma is used for
the images of the terms as well, all at once, so that the new goal has the symmetry again.

That a step is right, and that the new goal is true, is not looked at here: `filtering` drops what
numbers refute, and the proof of a step is a step `replace` of FORMAT.md.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np

from bench.inequalities.lips.lemmas import CONTEXT, Lemma, load_proved
from bench.inequalities.lips.matching import OutOfSteps, Steps, match
from bench.inequalities.lips.patterns import Pattern
from bench.inequalities.lips.terms import (
    ONE,
    Algebra,
    Base,
    Renaming,
    Sum,
    Term,
    as_sum,
    as_term,
    find_degree,
    is_sum,
    join,
    scale,
    times,
)
from bench.inequalities.lips.writing import write
from bench.inequalities.polynomials import Floats
from bench.inequalities.proving.goals import begin
from bench.inequalities.statements import (
    Expression,
    Relation,
    Statement,
    compile_float,
    find_variables,
    order_names,
)

MOST_INSTANCES = 128
"""Different new goals that are taken from a lemma."""
MOST_STEPS = 1500
"""Steps of matching that are spent on a lemma."""
MOST_DEPTH = 2
"""Sums within sums in which terms are looked for."""
MOST_PERMUTED = 5
"""Variables of which all permutations are tried as symmetries."""

Side = Literal["larger", "smaller"]
Names = Mapping[str, str]
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
) -> list[Scaling]:
    """Return the ways to scale the goal `larger >= smaller`, in the order of the lemmas.

    Lemmas with other conditions than signs come last: what another one gives as well is its. New
    goals that a symmetry of the goal makes one of the others, or the goal itself, are left out.
    Without `lemmas`, all that have a proof are used.
    """
    search = _Search(larger, smaller, assumptions)
    found: list[Scaling] = []
    given = load_proved() if lemmas is None else lemmas
    usable = [each for each in given if each.family != CONTEXT]
    for lemma in sorted(usable, key=lambda each: _read_lemma(each).conditional):
        found += itertools.islice(search.scale_by(lemma), MOST_INSTANCES)
    return found


class _Change(NamedTuple):
    """A part of a side and what comes in its place."""

    removed: Sum
    added: Sum
    equality: Pairs
    """When nothing is lost by it; by the image of a change, where the images of these are equal."""
    images: int = 1
    """How many images of the first terms are among these."""


class _Place(NamedTuple):
    """Terms that a lemma may bound, and how a bound of them bounds the side."""

    terms: Sum
    grows: bool
    """Whether the side grows with the terms."""
    embed: Callable[[Sum, Sum], tuple[Sum, Sum]]
    """Makes of a part of the terms and its bound a part of the side and its bound."""
    single: bool = False
    """Whether the one term has to be bounded as a whole."""


class _Sides(NamedTuple):
    """A lemma as patterns."""

    larger: Sum
    smaller: Sum
    equality: Pairs
    conditional: bool
    """Whether it has other conditions than signs: an order, a triangle."""


@functools.lru_cache(maxsize=1 << 10)
def _read_lemma(lemma: Lemma) -> _Sides:
    goal = begin(lemma.statement, lemma.statement.claims[0])
    read = Algebra([v for v in goal.variables if goal.is_nonnegative(v)]).read
    pairs = tuple((read(left), read(right)) for left, right in lemma.equality)
    return _Sides(read(lemma.larger), read(lemma.smaller), pairs, bool(goal.facts))


class _Search:
    """One goal: what it is, its symmetries, and which new goals were seen."""

    def __init__(
        self, larger: Expression, smaller: Expression, assumptions: Sequence[Relation]
    ) -> None:
        sides = (larger, smaller, *(side for _, *pair in assumptions for side in pair))
        self._names = order_names(frozenset[str]().union(*map(find_variables, sides)))
        claim = (">=", larger, smaller)
        goal = begin(Statement(tuple(self._names), tuple(assumptions), (claim,)), claim)
        self._algebra = Algebra([v for v in self._names if goal.is_nonnegative(v)])
        self._sides: dict[Side, Sum] = {
            "larger": self._algebra.read(larger),
            "smaller": self._algebra.read(smaller),
        }
        self._scalable = self._find_scalable(assumptions)
        self._symmetries = self._find_symmetries(assumptions)
        shift = next(filter(self._is_cycle, self._symmetries), None)
        self._shift = None if shift is None else Renaming(shift)
        self._changes: set[tuple[Side, Sum, Sum]] = set()
        self._points = self._list_images_of_point()
        self._bases: dict[Base, Floats] = {}
        self._values = {side: self._evaluate(self._sides[side]) for side in self._sides}
        self._seen = {_spell(self._values)}
        self._places = {side: list(self._list_places(self._sides[side])) for side in self._sides}

    def scale_by(self, lemma: Lemma) -> Iterator[Scaling]:
        steps = Steps(MOST_STEPS)
        sides: tuple[Side, Side] = ("larger", "smaller")
        try:
            for side in sides:
                for change in self._list_changes(lemma, side, steps):
                    for images in self._list_together(side, change):
                        yield from self._make(lemma, side, images)
        except OutOfSteps:
            return

    def _make(self, lemma: Lemma, side: Side, change: _Change) -> Iterator[Scaling]:
        """Yield the goal after a change, unless it was seen."""
        values = dict(self._values)
        values[side] = values[side] + self._evaluate(_less(change.removed, change.added))
        spelled = _spell(values)
        if spelled is None:
            spelled = f"{side} {change.removed} {change.added}"
        if spelled in self._seen:
            return
        self._seen.add(spelled)
        new = self._algebra.shorten(join(self._sides[side], _less(change.removed, change.added)))
        sums = {**self._sides, side: new}
        written = write(sums["larger"]), write(sums["smaller"])
        yield Scaling(lemma.name, side, *written, tuple(self._list_equality(change)))

    # Places

    def _list_places(self, side: Sum) -> Iterator[_Place]:
        yield from self._list_within(side, True, lambda part, bound: (part, bound), MOST_DEPTH)
        for term in side:
            if term.coefficient > 0 and any(k < 0 for _, k in term.powers):
                # A product in a denominator: its bound is a denominator again.
                turned = self._algebra.raise_term(term, -ONE)
                embed = functools.partial(self._embed_reciprocal, term)
                yield _Place((turned,), False, embed, single=True)
        expanded = self._algebra.expand(side)
        if expanded is not None and expanded != side:
            yield from self._list_within(
                expanded, True, lambda part, bound: (side, join(expanded, _less(part, bound))), 0
            )

    def _list_within(
        self, terms: Sum, grows: bool, embed: Callable[[Sum, Sum], tuple[Sum, Sum]], depth: int
    ) -> Iterator[_Place]:
        plus = tuple(term for term in terms if term.coefficient > 0)
        minus = scale(tuple(term for term in terms if term.coefficient < 0), -ONE)
        if plus:
            yield _Place(plus, grows, embed)
        if minus:
            yield _Place(
                minus,
                not grows,
                lambda part, bound: embed(scale(part, -ONE), scale(bound, -ONE)),
            )
        if not depth:
            return
        for term in terms:
            for base, k in term.powers:
                if is_sum(base):
                    inner = functools.partial(self._embed_in_base, term, base, k, embed)
                    rises = grows if term.coefficient * k > 0 else not grows
                    yield from self._list_within(base, rises, inner, depth - 1)

    def _embed_in_base(
        self,
        term: Term,
        base: Sum,
        k: Fraction,
        embed: Callable[[Sum, Sum], tuple[Sum, Sum]],
        part: Sum,
        bound: Sum,
    ) -> tuple[Sum, Sum]:
        new = as_term(join(base, _less(part, bound)))
        outside = times(term, Term(ONE, ((base, -k),)))
        return embed((term,), as_sum(times(outside, self._algebra.raise_term(new, k))))

    def _embed_reciprocal(self, term: Term, part: Sum, bound: Sum) -> tuple[Sum, Sum]:
        return (term,), self._algebra.raise_to(bound, -ONE)

    # Changes

    def _list_changes(self, lemma: Lemma, side: Side, steps: Steps) -> Iterator[_Change]:
        larger, smaller, equality, _ = _read_lemma(lemma)
        for place in self._places[side]:
            shrinks = place.grows == (side == "larger")
            pattern = Pattern(larger, smaller) if shrinks else Pattern(smaller, larger)
            if not pattern.is_usable or (place.single and len(pattern.terms) > 1):
                continue
            for found in match(pattern, place.terms, self._algebra, steps):
                put = functools.partial(self._algebra.substitute, values=found.values)
                bound = self._algebra.multiply((found.multiplier,), put(pattern.other))
                if self._scalable and not self._has_degree_of(found.part, bound):
                    continue
                pairs = tuple((put(left), put(right)) for left, right in equality)
                yield _Change(*place.embed(found.part, bound), pairs)

    def _list_together(self, side: Side, change: _Change) -> Iterator[_Change]:
        """Yield a change alone, and with its images; nothing if an image of it came before."""
        if (side, change.removed, change.added) in self._changes:
            return
        images = [(change.removed, change.added)]
        while self._shift is not None and len(images) < len(self._names):
            image = self._shift(images[-1][0]), self._shift(images[-1][1])
            if image == images[0]:
                break
            images.append(image)
        self._changes.update((side, *image) for image in images)
        yield change
        removed = join(*(image[0] for image in images))
        share = _find_share(self._sides[side], removed)
        if len(images) > 1 and share:
            added = join(*(image[1] for image in images))
            together = scale(removed, share), scale(added, share)
            yield _Change(*together, change.equality, len(images))

    def _list_equality(self, change: _Change) -> Iterator[tuple[Expression, Expression]]:
        pairs = change.equality
        for number in range(change.images):
            if number and self._shift is not None:
                pairs = tuple((self._shift(x), self._shift(y)) for x, y in pairs)
            yield from ((write(x), write(y)) for x, y in pairs if x != y)

    # Symmetry

    def _find_scalable(self, assumptions: Sequence[Relation]) -> bool:
        """Whether goal and assumptions stay true if all variables are multiplied by a number.

        A bound of another degree than the terms that it bounds then makes the goal false.
        """
        read = self._algebra.read
        pairs = [(read(left), read(right)) for _, left, right in assumptions]
        pairs.append((self._sides["larger"], self._sides["smaller"]))
        return all(self._has_degree_of(left, right) for left, right in pairs)

    def _has_degree_of(self, left: Sum, right: Sum) -> bool:
        names = frozenset(self._names)
        degrees = [find_degree(each, names) for each in (left, right) if each]
        return None not in degrees and len(set(degrees)) == 1

    def _find_symmetries(self, assumptions: Sequence[Relation]) -> list[Names]:
        """Return the permutations of the variables that leave goal and assumptions as they are."""
        read = self._algebra.read
        known = [(op, read(left), read(right)) for op, left, right in assumptions]
        images: list[Sequence[str]] = [self._names, [*self._names[1:], *self._names[:1]]]
        if len(self._names) <= MOST_PERMUTED:
            images = [images[1], *map(list, itertools.permutations(self._names))]
        found: list[Names] = []
        for image in images:
            names = dict(zip(self._names, image, strict=True))
            put = Renaming(names)
            moved = {(op, put(left), put(right)) for op, left, right in known}
            if names not in found and moved == set(known):
                if all(put(side) == side for side in self._sides.values()):
                    found.append(names)
        return found

    def _is_cycle(self, names: Names) -> bool:
        """Whether a permutation moves all variables in one cycle."""
        at, length = self._names[0], 0
        while at := names[at]:
            length += 1
            if at == self._names[0]:
                break
        return 1 < length == len(self._names)

    def _list_images_of_point(self) -> Floats:
        """Return a point near (1, ..., 1), where few expressions have no value, and its images."""
        random = np.random.default_rng(0)
        value = dict(zip(self._names, random.uniform(0.8, 1.2, len(self._names)), strict=True))
        return np.array([[value[names[v]] for v in self._names] for names in self._symmetries])

    def _evaluate(self, terms: Sum) -> Floats:
        """Return a sum's values at the images of the point."""
        total = np.zeros(len(self._points))
        for term in terms:
            product = np.full(len(self._points), float(term.coefficient))
            for base, k in term.powers:
                with np.errstate(all="ignore"):
                    product = product * self._evaluate_base(base) ** float(k)
            total = total + product
        return total

    def _evaluate_base(self, base: Base) -> Floats:
        if base not in self._bases:
            if is_sum(base):
                self._bases[base] = self._evaluate(base)
            else:
                written = write((Term(ONE, ((base, ONE),)),))
                self._bases[base] = compile_float(written, self._names)(self._points)
        return self._bases[base]


def _spell(values: Mapping[Side, Floats]) -> str | None:
    """Return a text that goals share which are the same function, up to a symmetry.

    None where a side has no value.
    """
    if not all(np.isfinite(each).all() for each in values.values()):
        return None
    pairs = zip(values["larger"], values["smaller"], strict=True)
    return " ".join(sorted(f"{left:.8e}>={right:.8e}" for left, right in pairs))


def _less(removed: Sum, added: Sum) -> Sum:
    return join(added, scale(removed, -ONE))


def _find_share(side: Sum, removed: Sum) -> Fraction:
    """Return the largest number up to 1 whose multiple of a part a side has; 0 if it has none."""
    there = {term.powers: term.coefficient for term in side}
    ratios = [there.get(t.powers, Fraction(0)) / t.coefficient for t in removed]
    return max(Fraction(0), min([ONE, *ratios]))
