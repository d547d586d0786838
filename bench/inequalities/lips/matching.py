"""Lays patterns upon sums of terms: what is `k * pattern + context`, in whatever order it stands.

A pattern is a sum in pattern variables. Each of its terms is laid upon another term of the target;
the multiplier `k` is common to all, and the terms that are left over are the context. A term's
factors are shared out among the pattern's variables, so that `u*v` is laid upon `a*b*c` with `u =
a*b, v = c`, and with two others; exponents go with them, so that `u^2` is laid upon `a^4*b^2`. A
sum that is a factor is laid upon a whole sum, where one variable may stand for several terms.

Everything comes in a fixed order, and after a number of steps, whatever the machine, nothing more.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from bench.inequalities.lips.patterns import Pattern, Shape, count_sums, find_shape
from bench.inequalities.lips.rationals import Number, divide, settle
from bench.inequalities.lips.terms import (
    ONE,
    UNIT,
    Algebra,
    Base,
    Powers,
    Sum,
    Term,
    as_term,
    find_names,
    is_sum,
    join,
    scale,
    spread,
    times,
)
from bench.inequalities.roots import exact_root

Values = Mapping[str, Term]
Unbound = Sequence[tuple[str, Number]]
"""Variables that have no value yet, with their exponents."""


MOST_STEPS = 120
"""Steps in which a pattern is laid upon a sum."""
MOST_SPLITS = 60
"""Ways to share out one power among variables."""
MOST_SHARES = 500
"""Ways to share out all powers of a term among variables."""


class _OutOfSteps(Exception):
    """As many steps were made as may be made; what was found until then stands."""


class _Steps:
    """How many steps may still be made."""

    def __init__(self, most: int) -> None:
        """Begin to count."""
        self._left = most

    def spend(self) -> None:
        """Count one step.

        Raises _OutOfSteps: no step is left.
        """
        if self._left <= 0:
            raise _OutOfSteps
        self._left -= 1


@dataclass(frozen=True, slots=True)
class Match:
    """Values with which `multiplier * pattern` is a part of the target."""

    values: Values
    multiplier: Term


class Target:
    """A sum upon which patterns are laid, with the matches that were found so far."""

    def __init__(self, terms: Sum, algebra: Algebra) -> None:
        """Lay nothing yet."""
        self.terms = terms
        self._algebra = algebra
        self._found: dict[int, tuple[Match, ...]] = {}
        """By the identity of the shape, of which there is one object only."""
        self._sums = (count_sums(terms, 1), count_sums(terms, -1))

    def match(self, pattern: Pattern, steps: int = MOST_STEPS) -> tuple[Match, ...]:
        """Return the ways to lay a pattern upon terms of the sum; the others are the context.

        What is found in so many steps is all.
        """
        if len(pattern.terms) > len(self.terms):
            return ()
        shape = find_shape(pattern)
        if id(shape) not in self._found:
            self._found[id(shape)] = tuple(self._list_matches(shape, steps))
        return self._found[id(shape)]

    def _list_matches(self, shape: Shape, steps: int) -> Iterator[Match]:
        for sign, have in zip((1, -1), self._sums, strict=True):
            if count_sums(shape.terms, sign) > have:
                return
        try:
            for state in _Layer(shape, self.terms, self._algebra, _Steps(steps)).lay():
                yield Match(state.values, state.multiplier or UNIT)
        except _OutOfSteps:
            return

    def find_part(self, pattern: Pattern, found: Match) -> Sum | None:
        """Return the part of the sum that a match takes.

        None where it uses up no term: its multiplier is a share of a larger one.
        """
        instance = self._algebra.substitute(pattern.terms, found.values)
        part = spread(found.multiplier, instance)
        return part if any(term in self.terms for term in part) else None


@functools.lru_cache(maxsize=1 << 10)
def find_target(terms: Sum, algebra: Algebra) -> Target:
    """Return a sum with the matches found so far: the states of a search share most sums."""
    return Target(terms, algebra)


class _State(NamedTuple):
    """How far a pattern is laid."""

    values: Values
    multiplier: Term | None
    places: Mapping[int, int]
    """Upon which terms of the target those of the pattern's terms lie that have twins."""
    whole: bool = False
    """Whether nothing of a term may be left over."""


class _Layer:
    def __init__(self, shape: Shape, target: Sum, algebra: Algebra, steps: _Steps) -> None:
        self._pattern = shape.terms
        self._target = target
        self._algebra = algebra
        self._steps = steps
        self._names = [find_names((term,)) for term in shape.terms]
        self._twins = shape.twins
        self._paired = {i for pair in shape.twins for i in pair}
        self._places = {term: place for place, term in enumerate(target)} if shape.twins else {}
        count: dict[Base, int] = {}
        for term in target:
            for base, _ in term.powers:
                count[base] = count.get(base, 0) + 1
        size = len(shape.terms)
        ratios = {divide(t.coefficient, p.coefficient) for t in target for p in shape.terms}
        self._ratios = sorted(ratio for ratio in ratios if ratio > 0)
        """Coefficients that a multiplier of several terms may have."""
        self._shared = frozenset(base for base, seen in count.items() if seen >= size)
        """What a multiplier of all terms can consist of, besides its coefficient."""
        # A single term leaves its coefficient to the multiplier: its variables stay alike.
        self._absorbs = shape.takes_multiplier and len(shape.terms) > 1
        if shape.takes_multiplier:
            self._shared = frozenset()

    def lay(self) -> Iterator[_State]:
        """Yield the states in which the whole pattern is laid. Raises _OutOfSteps."""
        start = _State({}, UNIT if self._absorbs else None, {})
        yield from self._lay_terms(tuple(range(len(self._pattern))), self._target, start)

    def _lay_terms(self, waiting: tuple[int, ...], target: Sum, state: _State) -> Iterator[_State]:
        """Lay the waiting terms of the pattern upon different terms of the target."""
        self._steps.spend()
        if not waiting:
            yield state
            return
        i = max(waiting, key=lambda j: (self._share_known(j, state.values), -j))
        others, pattern = tuple(j for j in waiting if j != i), self._pattern[i]
        if state.multiplier is not None and self._names[i] <= state.values.keys():
            known = self._algebra.substitute((pattern,), state.values)
            rest = _take(target, spread(state.multiplier, known))
            if rest is not None:
                yield from self._lay_terms(others, rest, state)
            return
        for term in target:
            places = state.places
            if i in self._paired:
                place = self._places.get(term, -1)
                if not self._keeps_order(i, place, places):
                    continue
                places = {**places, i: place}
            rest = tuple(each for each in target if each is not term)
            for values, multiplier in self._lay_term(pattern, term, state):
                yield from self._lay_terms(others, rest, _State(values, multiplier, places))

    def _share_known(self, i: int, values: Values) -> float:
        """Return the share of a term's variables that have a value."""
        names = self._names[i]
        return sum(name in values for name in names) / len(names) if names and values else 0.0

    def _keeps_order(self, i: int, place: int, places: Mapping[int, int]) -> bool:
        return all(
            (place < places[j]) == (i < j)
            for j in places
            if (i, j) in self._twins or (j, i) in self._twins
        )

    def _lay_term(
        self, pattern: Term, target: Term, state: _State
    ) -> Iterator[tuple[Values, Term | None]]:
        """Lay a term upon a term; a multiplier that is not known takes what is too much."""
        rest = Term(divide(target.coefficient, pattern.coefficient), target.powers)
        known: list[Term] = []
        if state.multiplier is not None and state.multiplier != UNIT:
            known.append(state.multiplier)
        sums: list[tuple[Sum, Number]] = []
        unbound: list[tuple[str, Number]] = []
        for base, k in pattern.powers:
            if isinstance(base, str) and base not in state.values:
                unbound.append((base, k))
            elif is_sum(base) and not _is_known(base, state.values):
                sums.append((base, k))
            elif isinstance(base, str):
                known.append(self._algebra.raise_term(state.values[base], k))
            else:
                power = self._algebra.substitute((Term(ONE, ((base, k),)),), state.values)
                known.append(as_term(power))
        for each in known:
            smaller = times(rest, self._algebra.raise_term(each, -1))
            if not _is_divided(rest, smaller):
                return
            rest = smaller
        if rest.coefficient > 0:
            yield from self._lay_factors(sums, unbound, rest, state)

    def _lay_factors(
        self, sums: list[tuple[Sum, Number]], unbound: Unbound, rest: Term, state: _State
    ) -> Iterator[tuple[Values, Term | None]]:
        """Lay the sums among a term's factors upon sums, then share out what is left."""
        if not sums:
            yield from self._share_out(unbound, rest, state)
            return
        (pattern, k), *others = sums
        for base, exponent in rest.powers:
            ratio = divide(exponent, k)
            if not is_sum(base) or ratio < 1 or ratio.denominator > 1:
                continue
            left = times(rest, Term(ONE, ((base, -k),)))
            for values in self._lay_whole(pattern, base, state.values):
                free = [(name, e) for name, e in unbound if name not in values]
                bound = [(name, e) for name, e in unbound if name in values]
                smaller = left
                for name, e in bound:
                    smaller = times(smaller, self._algebra.raise_term(values[name], -e))
                if _is_divided(left, smaller):
                    laid = state._replace(values=values)
                    yield from self._lay_factors(others, free, smaller, laid)

    # Whole sums

    def _lay_whole(self, waiting: Sum, target: Sum, values: Values) -> Iterator[Values]:
        """Lay a sum upon all terms of another one."""
        self._steps.spend()
        for term in waiting:
            if _is_known((term,), values):
                rest = _take(target, self._algebra.substitute((term,), values))
                if rest is not None:
                    yield from self._lay_whole(_without(waiting, term), rest, values)
                return
        if len(target) == len(waiting):
            yield from self._lay_each(waiting, target, values)
        elif len(target) > len(waiting):
            for term in waiting:
                if len(term.powers) == 1 and isinstance(term.powers[0][0], str):
                    if term.powers[0][1] == 1:
                        yield from self._gather(term, _without(waiting, term), target, values)

    def _lay_each(self, waiting: Sum, target: Sum, values: Values) -> Iterator[Values]:
        if not waiting:
            if not target:
                yield values
            return
        for term in target:
            state = _State(values, UNIT, {}, whole=True)
            for found, _ in self._lay_term(waiting[0], term, state):
                yield from self._lay_whole(waiting[1:], _without(target, term), found)

    def _gather(
        self, gatherer: Term, waiting: Sum, target: Sum, values: Values
    ) -> Iterator[Values]:
        """Lay all but one term, a variable, upon a term each; that one takes the others."""
        name = gatherer.powers[0][0]
        assert isinstance(name, str)
        for chosen in itertools.permutations(target, len(waiting)):
            rest = tuple(term for term in target if term not in chosen)
            value = as_term(scale(rest, divide(1, gatherer.coefficient)))
            for found in self._lay_each_upon(waiting, chosen, values):
                if name not in found:
                    yield {**found, name: value}

    def _lay_each_upon(self, waiting: Sum, target: Sum, values: Values) -> Iterator[Values]:
        self._steps.spend()
        if not waiting:
            yield values
            return
        state = _State(values, UNIT, {}, whole=True)
        for found, _ in self._lay_term(waiting[0], target[0], state):
            yield from self._lay_each_upon(waiting[1:], target[1:], found)

    # Factors

    def _share_out(
        self, unbound: Unbound, rest: Term, state: _State
    ) -> Iterator[tuple[Values, Term | None]]:
        """Share out powers among variables, and to the multiplier where it is not known."""
        if state.multiplier is not None and not unbound:
            if rest == UNIT:
                yield state.values, state.multiplier
            return
        open_multiplier = state.multiplier is None
        shared = self._shared if open_multiplier else frozenset()
        for values, left in _list_shares(tuple(unbound), rest.powers, shared):
            self._steps.spend()
            for coefficient in self._list_coefficients(rest.coefficient, state):
                over = divide(rest.coefficient, coefficient)
                multiplier = Term(coefficient, left) if open_multiplier else None
                scaled = _absorb(over, unbound, values)
                if scaled is not None:
                    yield {**state.values, **scaled}, multiplier or state.multiplier
                if over > 1 and not state.whole and (open_multiplier or scaled is None):
                    # A part of the term is taken.
                    yield {**state.values, **values}, multiplier or state.multiplier

    def _list_coefficients(self, most: Number, state: _State) -> list[Number]:
        """Return what a multiplier may take of a coefficient: all, or as much as other terms allow.

        One that is known takes no more.
        """
        if state.multiplier is not None:
            return [ONE]
        if len(self._pattern) == 1:
            return [most]
        return [ratio for ratio in self._ratios if ratio < most] + [most]


@functools.lru_cache(maxsize=1 << 14)
def _list_shares(
    unbound: Unbound, powers: Powers, shared: frozenset[Base]
) -> tuple[tuple[Values, Powers], ...]:
    """Return the ways to share out powers among variables, none of which gets nothing.

    Of shared bases something may be left, which is the second part of each.
    """
    if not powers:
        return (({name: UNIT for name, _ in unbound}, ()),)
    found: list[tuple[Values, Powers]] = []
    choices = [_split_exponent(k, unbound, base in shared) for base, k in powers]
    reached = [
        max((sum(map(bool, part.values())) for part, _ in each), default=0) for each in choices
    ]
    if sum(reached) < len(unbound):
        return ()
    for parts in itertools.islice(itertools.product(*choices), MOST_SHARES):
        split = [(base, part, left) for (base, _), (part, left) in zip(powers, parts, strict=True)]
        values = {
            name: Term(ONE, tuple((base, part[name]) for base, part, _ in split if part.get(name)))
            for name, _ in unbound
        }
        if all(value.powers for value in values.values()):
            found.append((values, tuple((base, left) for base, _, left in split if left)))
    return tuple(found)


@functools.lru_cache(maxsize=1 << 14)
def _split_exponent(
    k: Number, unbound: Unbound, may_leave: bool
) -> tuple[tuple[Mapping[str, Number], Number], ...]:
    """Return exponents for the variables, and what is left, with `sum of e * exponent + left = k`.

    They have no denominators that `k` has not. A variable takes powers of the sign of its own
    exponent; if there is none, one variable takes the inverse.
    """
    alike = [(name, e) for name, e in unbound if e * k > 0]
    if alike:
        return tuple(itertools.islice(_split_alike(k, alike, may_leave), MOST_SPLITS))
    inverse = [(name, divide(k, e)) for name, e in unbound]
    found: list[tuple[Mapping[str, Number], Number]] = [
        ({name: power}, 0) for name, power in inverse if k.denominator % power.denominator == 0
    ]
    return (*found, ({}, k)) if may_leave else tuple(found)


def _split_alike(
    k: Number, unbound: Unbound, may_leave: bool
) -> Iterator[tuple[Mapping[str, Number], Number]]:
    if not unbound:
        if may_leave or not k:
            yield {}, k
        return
    (name, e), *others = unbound
    most = divide(k, e)
    # Roots are not shared out, and no new ones are taken.
    step = most if most.denominator > 1 and k.denominator % most.denominator == 0 else ONE
    if not others and not may_leave:
        if divide(most, step).denominator == 1:
            yield {name: most}, 0
        return
    for count in range(int(divide(most, step)), -1, -1):
        for parts, left in _split_alike(settle(k - e * step * count), others, may_leave):
            yield {name: settle(step * count), **parts}, left


def _absorb(
    coefficient: Number, unbound: Unbound, values: Mapping[str, Term]
) -> Mapping[str, Term] | None:
    """Return values of which the first that can has taken a coefficient; None if none can."""
    if coefficient == 1:
        return values
    for name, e in unbound:
        root = _find_root(coefficient, e)
        if root is not None:
            return {**values, name: values[name].scale(root)}
    return None


@functools.lru_cache(maxsize=1 << 12)
def _find_root(value: Number, exponent: Number) -> Number | None:
    """Return the number of which a value is a power; None if it is irrational."""
    power = divide(1, exponent)
    root = exact_root(Fraction(value), power.denominator)
    return None if root is None else settle(root**power.numerator)


def _take(target: Sum, part: Sum) -> Sum | None:
    """Return a sum less a part of it; None if a term of the part is not in it, or not so large."""
    there = {term.powers: term.coefficient for term in target}
    for term in part:
        if divide(there.get(term.powers, 0), term.coefficient) < 1:
            return None
    return join(target, scale(part, -1))


def _is_divided(before: Term, after: Term) -> bool:
    """Whether a division took powers away and brought no others."""
    old = dict(before.powers)
    return all(
        base in old and (old[base] == k or 0 < divide(k, old[base]) <= 1)
        for base, k in after.powers
    )


def _without(terms: Sum, term: Term) -> Sum:
    return tuple(each for each in terms if each is not term)


def _is_known(terms: Sum, values: Values) -> bool:
    return find_names(terms) <= values.keys()
