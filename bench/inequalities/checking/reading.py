"""Reads a certificate's data, and its expressions as fractions of polynomials."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from math import prod
from reprlib import repr as show
from typing import Any

from bench.inequalities.checking.exact import (
    Exponents,
    Polynomial,
    ProofError,
    Ring,
    charge,
    require,
)

MAX_NESTING = 150  # lists and objects in each other
MAX_CHARACTERS = 4_000  # of a name or a rational
MAX_INTEGER = 1_000  # exponents, powers, roots and numbers of things

RATIONAL = re.compile("-?[0-9]+(/[0-9]*[1-9][0-9]*)?")
NAME = re.compile("[A-Za-z][A-Za-z0-9_']*")

Expression = str | tuple[Any, ...]
"""A name, a rational, or an operator and its expressions: the format's lists, as tuples."""


def survey(data: object, depth: int = 0) -> None:
    """Refuse what is not JSON without decimal numbers, and sizes over the limits."""
    charge(50)
    require(depth <= MAX_NESTING, f"the certificate nests deeper than {MAX_NESTING} levels")
    if isinstance(data, Mapping):
        require(all(isinstance(key, str) for key in data), "a key is not a text")
        data = [*data, *data.values()]
    if isinstance(data, list):
        for each in data:
            survey(each, depth + 1)
    elif isinstance(data, str):
        require(len(data) <= MAX_CHARACTERS, f"a text exceeds {MAX_CHARACTERS} characters")
    elif isinstance(data, int):
        require(abs(data) <= MAX_INTEGER, f"an integer exceeds {MAX_INTEGER}")
    else:
        require(data is None, f"found a {type(data).__name__}, which no certificate holds")


class Data:
    """A value in a certificate, and its place there; what a method cannot read it refuses."""

    def __init__(self, value: Any, place: str) -> None:
        """Take any value that JSON may have."""
        self.value, self.place = value, place

    def expect(self, fits: object, needed: str) -> Any:
        """Return the value if it is what is needed."""
        if not fits:
            raise ProofError(f"{self.place}: found {show(self.value)}, needed {needed}")
        return self.value

    def __getitem__(self, key: str) -> Data:
        """Return a value of an object."""
        self.expect(key in self.keys(), f"an object with {key!r}")
        return Data(self.value[key], f"{self.place}.{key}")

    def keys(self) -> list[str]:
        """Return the keys of an object."""
        return list(self.expect(isinstance(self.value, Mapping), "an object"))

    def items(self, size: int | None = None) -> list[Data]:
        """Return the values of a list, of a size where that is given."""
        fits = isinstance(self.value, list) and size in (None, len(self.value))
        values = self.expect(fits, "a list" if size is None else f"a list of {size}")
        return [Data(value, f"{self.place}.{i}") for i, value in enumerate(values)]

    def flag(self) -> bool:
        """Return a truth value."""
        return bool(self.expect(isinstance(self.value, bool), "true or false"))

    def whole(self, low: int = 0, high: int = MAX_INTEGER) -> int:
        """Return an integer between bounds, which are allowed."""
        fits = type(self.value) is int and low <= self.value <= high
        return int(self.expect(fits, f"an integer from {low} to {high}"))

    def exponents(self, size: int) -> Exponents:
        """Return a list of exponents."""
        return tuple(each.whole() for each in self.items(size))

    def is_text(self, pattern: re.Pattern[str]) -> bool:
        """Whether it is a text of a pattern."""
        return isinstance(self.value, str) and bool(pattern.fullmatch(self.value))

    def rational(self) -> Fraction:
        """Return a rational number."""
        return Fraction(self.expect(self.is_text(RATIONAL), "a rational number as a text"))

    def above_0(self) -> Fraction:
        """Return a rational number above 0."""
        return Fraction(self.expect(self.rational() > 0, "a number above 0"))

    def names(self) -> list[str]:
        """Return a list of different names."""
        fits = all(each.is_text(NAME) for each in self.items())
        self.expect(fits and len(set(self.value)) == len(self.value), "different names")
        return list(self.value)

    def word(self, words: Collection[str]) -> str:
        """Return one of some words."""
        fits = isinstance(self.value, str) and self.value in words
        return str(self.expect(fits, " or ".join(words) or "nothing more"))

    def member(self, things: Sequence[Any]) -> Any:
        """Return the thing with a number; None is in the place of what cannot be used."""
        thing = things[self.whole(0, len(things) - 1)]
        self.expect(thing is not None, "one without roots and denominators")
        return thing

    def polynomial(self, ring: Ring) -> Polynomial:
        """Return a polynomial of a ring."""
        terms = [term.items(2) for term in self.items()]
        p = Polynomial(ring, {e.exponents(ring.width): c.rational() for e, c in terms})
        fits = len(p) == len(terms) and all(p.values())
        self.expect(fits, "no exponents twice and no coefficient 0")
        return p

    def plain(self, ring: Ring) -> Polynomial:
        """Return a polynomial without radicals."""
        p = self.polynomial(ring)
        self.expect(p.is_plain(), "a polynomial without radicals")
        return p

    def expression(self, variables: Collection[str]) -> Expression:
        """Return an expression in some variables."""
        if isinstance(self.value, str):
            self.expect(self.value in variables or self.is_text(RATIONAL), "a known name")
            return self.value
        head, *parts = self.items() or [self]
        operator = head.word(tuple("+*-/^"))
        fits = len(parts) > 1 if operator in "+*" else len(parts) == (1 if operator == "-" else 2)
        self.expect(fits, "another number of expressions")
        e = (operator, *(part.expression(variables) for part in parts))
        fits = operator != "^" or isinstance(parts[1].value, str) or bool(find_variables(e[2]))
        self.expect(fits, "an exponent that is a rational text or has variables")
        return e


def is_rational(e: Expression) -> bool:
    """Whether an expression is a rational number."""
    return isinstance(e, str) and RATIONAL.fullmatch(e) is not None


def find_variables(e: Expression) -> set[str]:
    """Return the names of the variables in an expression."""
    if isinstance(e, str):
        return set() if is_rational(e) else {e}
    return set[str]().union(*map(find_variables, e[1:]))


def substitute(e: Expression, images: Mapping[str, Expression]) -> Expression:
    """Return an expression with others in the places of variables, all at once.

    A power of a power is one power: only `power` puts powers, and what it raises is not negative.
    """
    charge(100)
    if isinstance(e, str):
        # The image is gone through again, so that all of the result is charged for.
        return substitute(images[e], {}) if e in images else e
    match e:
        case ("^", str(v), r) if v in images and is_rational(r):
            match images[v]:
                case ("^", base, k):
                    return ("^", base, multiply_exponents(k, r))
    return (e[0], *(substitute(part, images) for part in e[1:]))


def raise_power(e: Expression, k: int) -> Expression:
    """Return a power of an expression, factor by factor; a power of a power is one power."""
    charge(100)
    match e:
        case ("*" | "/", *parts):
            return (e[0], *(raise_power(part, k) for part in parts))
        case ("^", base, r) if is_rational(r):
            return ("^", base, multiply_exponents(str(k), r))
    return ("^", e, str(k))


def multiply_exponents(left: str, right: str) -> str:
    """Return a product of exponents, which is limited as all whole numbers are."""
    product = Fraction(left) * Fraction(right)
    large = max(abs(product.numerator), product.denominator)
    require(large <= MAX_INTEGER, f"an exponent exceeds {MAX_INTEGER}")
    return str(product)


def subtract(left: Expression, right: Expression) -> Expression:
    """Return the difference of two expressions."""
    return ("+", left, ("-", right))


class Fractions:
    """Reads expressions as fractions num / (D1^k1 D2^k2 ...) with the roots and the D at hand.

    A denominator with coefficients above 0 in the `sure` variables alone becomes the next D.
    """

    def __init__(self, variables: Collection[str], ring: Ring, sure: Collection[int] = ()) -> None:
        """Set out with no roots and no denominators."""
        self.ring, self.sure = ring, set(sure)
        self.variables = dict(zip(variables, ring.units, strict=False))
        self.denominators: list[Polynomial] = []
        self.roots: dict[tuple[Expression, int], tuple[Polynomial, Counter[int]]] = {}

    def expand(self, powers: Counter[int]) -> Polynomial:
        """Return a product of powers of the denominators."""
        factors = (self.denominators[i] ** k for i, k in powers.items())
        return prod(factors, start=self.ring.constant(1))

    def read(self, e: Expression) -> tuple[Polynomial, Counter[int]]:
        """Return the numerator of an expression, and the power of each denominator."""
        charge(20)
        match e:
            case str():
                known = self.variables.get(e)
                return self.ring.constant(Fraction(e)) if known is None else known, Counter()
            case ("-", part):
                top, under = self.read(part)
                return top * -1, under
            case ("/", left, right):
                (top, under), (right, below) = self.read(left), self.invert(*self.read(right))
                return top * right, under + below
            case ("^", base, exponent):
                require(is_rational(exponent), "an exponent has variables")
                k, q = Fraction(exponent).as_integer_ratio()
                require(max(abs(k), q) <= MAX_INTEGER, f"an exponent exceeds {MAX_INTEGER}")
                fits = q == 1 or (base, q) in self.roots
                require(fits, f"root {q} of {show(base)} is not listed")
                top, under = self.read(base) if q == 1 else self.roots[base, q]
                top, under = self.invert(top, under) if k < 0 else (top, under)
                return top ** abs(k), Counter({i: j * abs(k) for i, j in under.items()})
        (top, under), *others = map(self.read, e[1:])
        for right, below in others:
            if e[0] == "*":
                top, under = top * right, under + below
            else:
                powers = under | below
                top = top * self.expand(powers - under) + right * self.expand(powers - below)
                under = powers
        return top, under

    def invert(self, top: Polynomial, under: Counter[int]) -> tuple[Polynomial, Counter[int]]:
        """Return the inverse of a fraction, whose numerator is divided by all denominators."""
        found = Counter[int]()
        for i, factor in enumerate(self.denominators):
            while top and (less := top.divide(factor)) is not None:
                top, found[i] = less, found[i] + 1
        used = top.places()
        if used and used <= self.sure and top.has_no_minus():
            found[len(self.denominators)] = 1
            self.denominators.append(top)
            top = self.ring.constant(1)
        fits = top and not top.places()
        require(fits, "a denominator is no product of those that are shown not to be 0")
        [c] = top.values()
        return self.expand(under) * (1 / c), found
