"""Expressions as sums of terms, each a rational times powers: what a pattern is laid upon.

Sums in a sum are one sum, products in a product one product, a quotient is a product with negative
exponents, a root one with fractions; like terms are together. `sqrt(8*a*b^2)` is `2 * 2^(1/2) *
a^(1/2) * b` where a and b are not negative. A sum that is a factor stays whole, without what its
coefficients have in common. Nothing is multiplied out, except where `shorten` is asked to.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple, TypeAlias, TypeGuard

from bench.inequalities.lips.rationals import Number, raise_to, settle
from bench.inequalities.lips.rationals import divide as divide_numbers
from bench.inequalities.proving.goals import insert
from bench.inequalities.statements import (
    Expression,
    divide,
    find_variables,
)

ZERO: Number = 0
ONE: Number = 1
_ZERO, _ONE = Fraction(0), Fraction(1)
MOST_TERMS = 48
"""Terms of a product that is multiplied out."""
MOST_DIVISOR = 1000
"""Divisors of a number under a root that are looked for."""


class Opaque(NamedTuple):
    """A base that is not looked into: a power with variables in its exponent, a division by 0."""

    expression: Expression


class Term(NamedTuple):
    """A coefficient times powers of different bases, none of them with the exponent 0."""

    coefficient: Number
    powers: Powers = ()

    @property
    def is_constant(self) -> bool:
        """Whether the term is a rational."""
        return not self.powers

    def scale(self, factor: Number) -> Term:
        """Return the term times a rational."""
        return Term(settle(self.coefficient * factor), self.powers)


Sum: TypeAlias = tuple[Term, ...]
"""Terms with different powers in a fixed order; the empty sum is 0."""
Base: TypeAlias = "str | int | Sum | Opaque"
"""A variable; a whole number (under a root); a sum of coefficients without a common divisor."""
Powers: TypeAlias = "tuple[tuple[Base, Number], ...]"
"""Different bases in a fixed order, each with an exponent."""

UNIT = Term(ONE)


class Algebra:
    """Computes with sums of terms in variables some of which are known not to be negative."""

    def __init__(self, nonnegative: Collection[str]) -> None:
        """Know the variables that are not negative."""
        self._nonnegative = frozenset(nonnegative)
        self._shortened: dict[Sum, Sum] = {}
        self._raised: dict[tuple[Term, Number], Term] = {}

    def read(self, e: Expression) -> Sum:
        """Return an expression as a sum of terms."""
        if isinstance(e, Fraction):
            return (Term(settle(e)),) if e else ()
        if isinstance(e, str):
            return (Term(ONE, ((e, ONE),)),)
        op, *parts = e
        if op == "+":
            return join(*map(self.read, parts))
        if op == "-":
            return scale(self.read(parts[0]), -1)
        if op == "*":
            return self.multiply(*map(self.read, parts))
        if op == "/":
            return self.multiply(self.read(parts[0]), self.raise_to(self.read(parts[1]), -1))
        exponent = parts[1]
        if not isinstance(exponent, Fraction):
            return (Term(ONE, ((Opaque(e), ONE),)),)
        return self.raise_to(self.read(parts[0]), settle(exponent))

    def multiply(self, *factors: Sum) -> Sum:
        """Return a product; a rational goes to every term of a sum, other sums stay whole."""
        rational, others = ONE, list[Sum]()
        for factor in factors:
            if not factor:
                return ()
            if len(factor) == 1 and factor[0].is_constant:
                rational = settle(rational * factor[0].coefficient)
            else:
                others.append(factor)
        if len(others) == 1:
            return scale(others[0], rational)
        return as_sum(functools.reduce(times, map(as_term, others), Term(rational)))

    def raise_to(self, base: Sum, exponent: Number) -> Sum:
        """Return a power of a sum; 1 stays the sum."""
        return base if exponent == 1 else as_sum(self.raise_term(as_term(base), exponent))

    def raise_term(self, term: Term, exponent: Number) -> Term:
        """Return a power of a term."""
        if exponent == 1:
            return term
        found = self._raised.get((term, exponent))
        if found is None:
            found = self._raised[term, exponent] = self._raise_term(term, exponent)
        return found

    def _raise_term(self, term: Term, exponent: Number) -> Term:
        if not term.coefficient:
            return term if exponent > 0 else Term(ONE, ((Opaque(divide(_ONE, _ZERO)), ONE),))
        if exponent.denominator == 1:
            powers = tuple((base, k * exponent) for base, k in term.powers if exponent)
            return _collect(raise_to(term.coefficient, int(exponent)), powers)
        apart = [power for power in term.powers if self._is_nonnegative(power)]
        rest = tuple(power for power in term.powers if power not in apart)
        coefficient = term.coefficient
        if rest or coefficient < 0:
            if len(rest) == 1 and coefficient > 0 and not _is_even(rest[0][1]):
                apart += rest  # sqrt(x^3) has a meaning where x has a root
            else:
                sign = 1 if coefficient > 0 else -1
                whole: Base = (Term(sign, rest),)
                coefficient *= sign
                apart = [*((base, k) for base, k in apart), (whole, ONE)]
        raised = _collect(ONE, ((base, k * exponent) for base, k in apart))
        return times(_raise_rational(coefficient, exponent), raised)

    def substitute(self, pattern: Sum, values: Mapping[str, Term]) -> Sum:
        """Return a sum with terms in the places of variables."""
        return join(*(self._substitute_term(term, values) for term in pattern))

    def _substitute_term(self, term: Term, values: Mapping[str, Term]) -> Sum:
        product = Term(term.coefficient)
        for base, k in term.powers:
            if isinstance(base, str):
                inner = values[base]
            elif isinstance(base, int):
                inner = Term(base)
            else:
                assert not isinstance(base, Opaque)
                inner = as_term(self.substitute(base, values))
            product = times(product, self.raise_term(inner, k))
        return as_sum(product)

    def _is_nonnegative(self, power: tuple[Base, Number]) -> bool:
        base, _ = power
        if isinstance(base, str):
            return base in self._nonnegative
        if isinstance(base, int):
            return True
        return not isinstance(base, Opaque) and all(
            term.coefficient > 0
            and all(
                _is_even(k) or k.denominator > 1 or self._is_nonnegative((inner, k))
                for inner, k in term.powers
            )
            for term in base
        )

    # Shorter forms

    def shorten(self, terms: Sum) -> Sum:
        """Return a sum with products of sums multiplied out where that makes it no longer."""
        if terms not in self._shortened:
            within = join(*(as_sum(self._shorten_bases(term)) for term in terms))
            expanded = self.expand(within)
            shorter = expanded is not None and measure(expanded) < measure(within)
            self._shortened[terms] = expanded if expanded is not None and shorter else within
        return self._shortened[terms]

    def _shorten_bases(self, term: Term) -> Term:
        product = Term(term.coefficient)
        for base, k in term.powers:
            if is_sum(base):
                shorter = as_term(self.shorten(base))
                product = times(product, self.raise_term(shorter, k))
            else:
                product = times(product, Term(ONE, ((base, k),)))
        return product

    def expand(self, terms: Sum) -> Sum | None:
        """Return a sum with products of sums multiplied out; None where that is long."""
        parts: list[Sum] = []
        if not any(is_sum(base) and k > 0 for term in terms for base, k in term.powers):
            return terms
        for term in terms:
            outside = Term(term.coefficient)
            product: Sum = (UNIT,)
            for base, k in term.powers:
                if is_sum(base) and k.denominator == 1 and k > 0:
                    for _ in range(int(k)):
                        if len(product) * len(base) > MOST_TERMS:
                            return None
                        pairs = itertools.product(product, base)
                        product = join(*(as_sum(times(left, right)) for left, right in pairs))
                else:
                    outside = times(outside, Term(ONE, ((base, k),)))
            parts.append(spread(outside, product))
        return join(*parts)


@functools.lru_cache(maxsize=4)
def find_algebra(nonnegative: frozenset[str]) -> Algebra:
    """Return the algebra in which these variables are not negative, with what it computed so far.

    A search goes on with the one that it began with.
    """
    return Algebra(nonnegative)


def is_sum(base: Base) -> TypeGuard[Sum]:
    """Whether a base is a sum, and not a variable, a number or opaque."""
    return isinstance(base, tuple) and not isinstance(base, Opaque)


def join(*parts: Sum) -> Sum:
    """Return the sum of sums."""
    found: dict[Powers, Number] = {}
    for coefficient, powers in itertools.chain(*parts):
        found[powers] = found.get(powers, 0) + coefficient
    kept = [Term(settle(c), powers) for powers, c in found.items() if c]
    return tuple(sorted(kept, key=_spell_term) if len(kept) > 1 else kept)


def scale(terms: Sum, factor: Number) -> Sum:
    """Return a sum times a rational."""
    return terms if factor == 1 else tuple(term.scale(factor) for term in terms if factor)


def times(left: Term, right: Term) -> Term:
    """Return the product of two terms."""
    coefficient = settle(left.coefficient * right.coefficient)
    if not left.powers or not right.powers:
        return Term(coefficient, left.powers or right.powers)
    factor, powers = _unite(left.powers, right.powers)
    return Term(coefficient if factor == 1 else settle(coefficient * factor), powers)


@functools.lru_cache(maxsize=1 << 16)
def _unite(left: Powers, right: Powers) -> Term:
    return _collect(ONE, (*left, *right))


def spread(factor: Term, terms: Sum) -> Sum:
    """Return a product in which every term of a sum has the factor."""
    return join(*(as_sum(times(factor, term)) for term in terms))


def as_term(terms: Sum) -> Term:
    """Return a sum as one term: a sum of several terms is a base."""
    if len(terms) == 1:
        return terms[0]
    if not terms:
        return Term(ZERO)
    shared = find_content(terms)
    return Term(shared, ((scale(terms, divide_numbers(1, shared)), ONE),))


def as_sum(term: Term) -> Sum:
    """Return a term as a sum: what `as_term` made of one, or the term alone."""
    if len(term.powers) == 1:
        ((base, k),) = term.powers
        if k == 1 and is_sum(base):
            return scale(base, term.coefficient)
    return (term,) if term.coefficient else ()


def measure(terms: Sum) -> int:
    """Return about how many operators a sum is written with."""
    return sum(map(_measure_term, terms)) + len(terms)


def _measure_term(term: Term) -> int:
    size = int(abs(term.coefficient) != 1)
    for base, k in term.powers:
        size += 1 + (abs(k) != 1) + (_measure_base(base) if is_sum(base) else 0)
    return size


@functools.lru_cache(maxsize=1 << 14)
def _measure_base(base: Sum) -> int:
    return measure(base)


def find_content(terms: Sum) -> Number:
    """Return the positive rational by which the coefficients become whole without a divisor."""
    numerators = math.gcd(*(term.coefficient.numerator for term in terms))
    denominators = math.lcm(*(term.coefficient.denominator for term in terms))
    return divide_numbers(numerators, denominators)


class Renaming:
    """Other names for variables, in one sum after another."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """Know the names by those that they replace."""
        self._names = names
        self._renamed: dict[Base, Base] = {}

    def __call__(self, terms: Sum) -> Sum:
        """Return a sum with the other names."""
        return join(tuple(map(self._rename_term, terms)))

    def _rename_term(self, term: Term) -> Term:
        powers = ((self._rename_base(base), k) for base, k in term.powers)
        return Term(term.coefficient, tuple(sorted(powers, key=_spell_power)))

    def _rename_base(self, base: Base) -> Base:
        if isinstance(base, str):
            return self._names.get(base, base)
        if isinstance(base, int):
            return base
        if base not in self._renamed:
            self._renamed[base] = (
                Opaque(insert(base.expression, self._names))
                if isinstance(base, Opaque)
                else self(base)
            )
        return self._renamed[base]


@functools.lru_cache(maxsize=1 << 14)
def find_names(terms: Sum) -> frozenset[str]:
    """Return the variables in a sum."""
    return frozenset[str]().union(*(_names_of(base) for term in terms for base, _ in term.powers))


def _names_of(base: Base) -> frozenset[str]:
    if isinstance(base, str):
        return frozenset((base,))
    if isinstance(base, int):
        return frozenset()
    return find_variables(base.expression) if isinstance(base, Opaque) else find_names(base)


@functools.lru_cache(maxsize=1 << 14)
def count_roots(terms: Sum) -> int:
    """Return how many roots of sums a sum has, those within others among them."""
    return sum(
        (k.denominator > 1) + count_roots(base)
        for term in terms
        for base, k in term.powers
        if is_sum(base)
    )


def find_degree(terms: Sum, names: frozenset[str]) -> Number | None:
    """Return the degree of a sum in some variables; None if its terms have not the same."""
    degrees: set[Number | None] = set()
    for term in terms:
        degree = ZERO
        for base, k in term.powers:
            inner = _degree_of_base(base, names)
            if inner is None:
                return None
            degree += inner * k
        degrees.add(degree)
    return degrees.pop() if len(degrees) == 1 else None


@functools.lru_cache(maxsize=1 << 14)
def _degree_of_base(base: Base, names: frozenset[str]) -> Number | None:
    if isinstance(base, str):
        return int(base in names)
    return ZERO if isinstance(base, int | Opaque) else find_degree(base, names)


# Order and roots


def _collect(coefficient: Number, powers: Iterable[tuple[Base, Number]]) -> Term:
    """Return a term of powers whose bases may repeat; whole powers of numbers are rationals."""
    collected: dict[Base, Number] = {}
    for base, k in powers:
        collected[base] = collected.get(base, 0) + k
    kept: list[tuple[Base, Number]] = []
    for base, k in collected.items():
        k = settle(k)
        if isinstance(base, int):
            coefficient *= raise_to(base, math.floor(k))
            k -= math.floor(k)
        if k:
            kept.append((base, k))
    ordered = sorted(kept, key=_spell_power) if len(kept) > 1 else kept
    return Term(settle(coefficient), tuple(ordered))


def _raise_rational(value: Number, exponent: Number) -> Term:
    """Return a power of a positive rational, in powers of whole numbers below their first."""
    powers: list[tuple[Base, Number]] = []
    for number, sign in ((value.numerator, 1), (value.denominator, -1)):
        divisor = 2
        while number > 1:
            if divisor * divisor > number or divisor > MOST_DIVISOR:
                divisor = number
            while number % divisor == 0:
                number //= divisor
                powers.append((divisor, sign * exponent))
            divisor += 1
    return _collect(ONE, powers)


def _is_even(k: Number) -> bool:
    return k.denominator == 1 and k.numerator % 2 == 0


@functools.lru_cache(maxsize=1 << 14)
def _spell_base(base: Base) -> str:
    """Return a text by which bases are ordered: numbers, variables, sums."""
    if isinstance(base, str):
        return base
    if isinstance(base, int):
        return f"{base:09}"
    if isinstance(base, Opaque):
        return f"~{base.expression}"
    return f"~({spell(base)})"


@functools.lru_cache(maxsize=1 << 14)
def _spell_power(power: tuple[Base, Number]) -> str:
    base, k = power
    return _spell_base(base) if k == 1 else f"{_spell_base(base)}^{k}"


@functools.lru_cache(maxsize=1 << 16)
def _spell_powers(powers: Powers) -> str:
    return "*".join(map(_spell_power, powers))


def spell(terms: Sum) -> str:
    """Return a text that equal sums share, and no others."""
    return "+".join(f"{_spell_powers(powers)}:{coefficient}" for coefficient, powers in terms)


def _spell_term(term: Term) -> str:
    """Return a text by which terms of different powers are ordered."""
    return f"{_spell_powers(term.powers)}:"
