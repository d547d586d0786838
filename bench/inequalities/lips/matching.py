"""Lays patterns upon sums of terms: what is `k * pattern + context`, in whatever order it stands.

A pattern is a sum in pattern variables. Each of its terms is laid upon another term of the target;
the multiplier `k` is common to all, and the terms that are left over are the context. A term's
factors are shared out among the pattern's variables, so that `u*v` is laid upon `a*b*c` with `u =
a*b, v = c`, and with two others; exponents go with them, so that `u^2` is laid upon `a^4*b^2`. A
sum that is a factor is laid upon a whole sum, where one variable may stand for several terms.

Everything comes in a fixed order, and after a number of steps, whatever the machine, nothing more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from bench.inequalities.lips.patterns import Pattern, find_twins, takes_multiplier
from bench.inequalities.lips.terms import (
    ONE,
    UNIT,
    ZERO,
    Algebra,
    Base,
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
Unbound = list[tuple[str, Fraction]]
"""Variables that have no value yet, with their exponents."""


class OutOfSteps(Exception):
    """As many steps were made as may be made; what was found until then stands."""


class Steps:
    """How many steps may still be made."""

    def __init__(self, most: int) -> None:
        """Begin to count."""
        self._left = most

    def spend(self) -> None:
        """Count one step.

        Raises OutOfSteps: no step is left.
        """
        if self._left <= 0:
            raise OutOfSteps
        self._left -= 1


@dataclass(frozen=True, slots=True)
class Match:
    """Values with which `multiplier * pattern` is a part of the target."""

    values: Values
    multiplier: Term
    part: Sum


def match(pattern: Pattern, target: Sum, algebra: Algebra, steps: Steps) -> Iterator[Match]:
    """Yield the ways to lay a pattern upon terms of a sum; the others are the context.

    Raises OutOfSteps.
    """
    if len(target) < len(pattern.terms):
        return
    layer = _Layer(pattern, target, algebra, steps)
    yield from layer.lay()


@dataclass(frozen=True, slots=True)
class _State:
    """How far a pattern is laid."""

    values: Values
    multiplier: Term | None
    places: Mapping[int, int]
    """Upon which terms of the target the pattern's terms lie that needed a choice."""
    whole: bool = False
    """Whether nothing of a term may be left over."""


class _Layer:
    def __init__(self, pattern: Pattern, target: Sum, algebra: Algebra, steps: Steps) -> None:
        self._pattern = pattern
        self._target = target
        self._algebra = algebra
        self._steps = steps
        self._twins = find_twins(pattern)
        count: dict[Base, int] = {}
        for term in target:
            for base, _ in term.powers:
                count[base] = count.get(base, 0) + 1
        size = len(pattern.terms)
        ratios = {t.coefficient / p.coefficient for t in target for p in pattern.terms}
        self._ratios = sorted(ratio for ratio in ratios if ratio > 0)
        """Coefficients that a multiplier of several terms may have."""
        self._shared = {base for base, times_seen in count.items() if times_seen >= size}
        """What a multiplier of all terms can consist of, besides its coefficient."""
        if takes_multiplier(pattern):
            self._shared = set()

    def lay(self) -> Iterator[Match]:
        # A single term leaves its coefficient to the multiplier: its variables stay alike.
        absorbs = takes_multiplier(self._pattern) and len(self._pattern.terms) > 1
        start = _State({}, UNIT if absorbs else None, {})
        waiting = tuple(range(len(self._pattern.terms)))
        for state in self._lay_terms(waiting, self._target, start):
            found = state.multiplier or UNIT
            instance = self._algebra.substitute(self._pattern.terms, state.values)
            part = spread(found, instance)
            # A multiplier that uses up no term is a share of a larger one.
            if any(term in self._target for term in part):
                yield Match(state.values, found, part)

    def _lay_terms(self, waiting: tuple[int, ...], target: Sum, state: _State) -> Iterator[_State]:
        """Lay the waiting terms of the pattern upon different terms of the target."""
        self._steps.spend()
        if not waiting:
            yield state
            return
        terms = self._pattern.terms
        i = max(waiting, key=lambda j: (_share_known(terms[j], state.values), -j))
        others = tuple(j for j in waiting if j != i)
        if state.multiplier is not None and _is_known((terms[i],), state.values):
            known = self._algebra.substitute((terms[i],), state.values)
            rest = _take(target, spread(state.multiplier, known))
            if rest is not None:
                yield from self._lay_terms(others, rest, state)
            return
        for term in target:
            place = self._target.index(term) if term in self._target else -1
            if not self._keeps_order(i, place, state.places):
                continue
            rest = tuple(each for each in target if each is not term)
            for values, multiplier in self._lay_term(terms[i], term, state):
                laid = _State(values, multiplier, {**state.places, i: place})
                yield from self._lay_terms(others, rest, laid)

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
        rest = Term(target.coefficient / pattern.coefficient, target.powers)
        known = [UNIT if state.multiplier is None else state.multiplier]
        sums: list[tuple[Sum, Fraction]] = []
        unbound: Unbound = []
        for base, k in pattern.powers:
            if isinstance(base, str) and base not in state.values:
                unbound.append((base, k))
            elif is_sum(base) and not _is_known(base, state.values):
                sums.append((base, k))
            else:
                power = self._algebra.substitute((Term(ONE, ((base, k),)),), state.values)
                known.append(as_term(power))
        for each in known:
            smaller = times(rest, self._algebra.raise_term(each, -ONE))
            if not _is_divided(rest, smaller):
                return
            rest = smaller
        if rest.coefficient > 0:
            yield from self._lay_factors(sums, unbound, rest, state)

    def _lay_factors(
        self, sums: list[tuple[Sum, Fraction]], unbound: Unbound, rest: Term, state: _State
    ) -> Iterator[tuple[Values, Term | None]]:
        """Lay the sums among a term's factors upon sums, then share out what is left."""
        if not sums:
            yield from self._share_out(unbound, rest, state)
            return
        (pattern, k), *others = sums
        for base, exponent in rest.powers:
            ratio = exponent / k
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
                    laid = replace(state, values=values)
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
            value = as_term(scale(rest, 1 / gatherer.coefficient))
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
        shares = self._share_powers(unbound, rest.powers, open_multiplier)
        for given, left in shares:
            if unbound and not rest.is_constant and not all(given[name] for name, _ in unbound):
                continue
            values = {name: Term(ONE, tuple(given[name])) for name, _ in unbound}
            for coefficient in self._list_coefficients(rest.coefficient, state):
                over = rest.coefficient / coefficient
                multiplier = Term(coefficient, tuple(left)) if open_multiplier else None
                scaled = _absorb(over, unbound, values)
                if scaled is not None:
                    yield {**state.values, **scaled}, multiplier or state.multiplier
                if over > 1 and not state.whole and (open_multiplier or scaled is None):
                    # A part of the term is taken.
                    yield {**state.values, **values}, multiplier or state.multiplier

    def _list_coefficients(self, most: Fraction, state: _State) -> list[Fraction]:
        """Return what a multiplier may take of a coefficient: all, or as much as other terms allow.

        One that is known takes no more.
        """
        if state.multiplier is not None:
            return [ONE]
        if len(self._pattern.terms) == 1:
            return [most]
        return [ratio for ratio in self._ratios if ratio < most] + [most]

    def _share_powers(
        self, unbound: Unbound, powers: tuple[tuple[Base, Fraction], ...], open_multiplier: bool
    ) -> Iterator[tuple[dict[str, list[tuple[Base, Fraction]]], list[tuple[Base, Fraction]]]]:
        self._steps.spend()
        if not powers:
            yield {name: [] for name, _ in unbound}, []
            return
        (base, k), *more = powers
        may_leave = open_multiplier and base in self._shared
        for parts, left in _split_exponent(k, unbound, may_leave):
            for given, over in self._share_powers(unbound, tuple(more), open_multiplier):
                filled = {
                    name: [(base, parts[name]), *given[name]] if parts.get(name) else given[name]
                    for name, _ in unbound
                }
                yield filled, [(base, left), *over] if left else over


def _split_exponent(
    k: Fraction, unbound: Unbound, may_leave: bool
) -> Iterator[tuple[dict[str, Fraction], Fraction]]:
    """Yield exponents for the variables, and what is left, with `sum of e * exponent + left = k`.

    They have no denominators that `k` has not. A variable takes powers of the sign of its own
    exponent; if there is none, one variable takes the inverse.
    """
    alike = [(name, e) for name, e in unbound if e * k > 0]
    if alike:
        yield from _split_alike(k, alike, may_leave)
        return
    for name, e in unbound:
        if k.denominator % (k / e).denominator == 0:
            yield {name: k / e}, ZERO
    if may_leave:
        yield {}, k


def _split_alike(
    k: Fraction, unbound: Unbound, may_leave: bool
) -> Iterator[tuple[dict[str, Fraction], Fraction]]:
    if not unbound:
        if may_leave or not k:
            yield {}, k
        return
    (name, e), *others = unbound
    most = k / e
    # Roots are not shared out, and no new ones are taken.
    step = most if most.denominator > 1 and k.denominator % most.denominator == 0 else ONE
    for count in range(int(most / step), -1, -1):
        for parts, left in _split_alike(k - e * step * count, others, may_leave):
            yield {name: step * count, **parts}, left


def _absorb(
    coefficient: Fraction, unbound: Unbound, values: Mapping[str, Term]
) -> Mapping[str, Term] | None:
    """Return values of which the first that can has taken a coefficient; None if none can."""
    if coefficient == 1:
        return values
    for name, e in unbound:
        power = 1 / e
        root = exact_root(coefficient, power.denominator)
        if root is not None:
            return {**values, name: values[name].scale(root**power.numerator)}
    return None


def _take(target: Sum, part: Sum) -> Sum | None:
    """Return a sum less a part of it; None if a term of the part is not in it, or not so large."""
    there = {term.powers: term.coefficient for term in target}
    for term in part:
        c = there.get(term.powers, ZERO)
        if c * term.coefficient <= 0 or abs(c) < abs(term.coefficient):
            return None
    return join(target, scale(part, -ONE))


def _is_divided(before: Term, after: Term) -> bool:
    """Whether a division took powers away and brought no others."""
    old = dict(before.powers)
    return all(
        base in old and old[base] * k > 0 and abs(k) <= abs(old[base]) for base, k in after.powers
    )


def _without(terms: Sum, term: Term) -> Sum:
    return tuple(each for each in terms if each is not term)


def _is_known(terms: Sum, values: Values) -> bool:
    return find_names(terms) <= values.keys()


def _share_known(term: Term, values: Values) -> Fraction:
    """Return the share of a term's variables that have a value."""
    names = find_names((term,))
    return Fraction(sum(name in values for name in names), max(len(names), 1))
