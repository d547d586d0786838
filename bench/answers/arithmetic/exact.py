r"""Exact evaluation: of constants as fractions, and of any rational expression modulo a prime.

Two rational expressions are the same function just when they have the same residue at a random
point (Schwartz and Zippel): for degree d and a prime p the chance of an error is below d / p, and p
has 127 bits. So `(x+1)^{100000}` is compared without being expanded, and `2^{2025}` without being
printed. The imaginary unit is a square root of -1 modulo p; the circle number, transcendental as it
is, is one more variable. Whatever is no rational expression is `NotRational`, and left to
`bench.answers.arithmetic.numeric`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from bench.answers.budget import spend
from bench.answers.expressions import (
    Apply,
    Expression,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
)
from bench.answers.limits import MAX_BITS, MAX_FACTORIAL, MAX_TERMS, TooLarge
from bench.types import Outcome

PRIME = 2**127 - 39
"""A prime that is 1 modulo 4, so that -1 has a root."""
_MAX_EXPONENT_BITS = 4096


class NotRational(Exception):
    """The expression, or its value, is not rational; or it has no value at the point."""


def fraction_of(x: Expression) -> Fraction | None:
    """Return the exact value of a rational constant, if it is one of moderate size.

    Raises TooLarge: a factorial beyond the limits.
    """
    try:
        return _fraction(x)
    except NotRational:
        return None


def integer_of(x: Expression) -> int | None:
    """Return the exact value of an integer constant."""
    value = fraction_of(x)
    return None if value is None or value.denominator != 1 else value.numerator


def _fraction(x: Expression) -> Fraction:
    match x:
        case Number(value):
            return value
        case Sum(terms):
            return sum((_fraction(t) for t in terms), Fraction(0))
        case Product(factors):
            product = Fraction(1)
            for factor in factors:
                product *= _small(_fraction(factor))
            return product
        case Power(base, exponent):
            return _power(_fraction(base), _fraction(exponent))
        case Apply(function, arguments):
            return _apply(function, [_fraction(a) for a in arguments[: _VALUES.get(function, 9)]])
        case _:
            raise NotRational


def _small(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS // 8:
        raise NotRational
    return value


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        root = _rational_root(base, exponent.denominator)
        return _power(root, Fraction(exponent.numerator))
    if base == 0 and exponent < 0:
        raise NotRational
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if base not in (0, 1, -1) and abs(exponent) * size > MAX_BITS // 8:
        raise NotRational
    if base in (0, 1, -1):
        return Fraction(1) if exponent == 0 else base ** (int(exponent) % 2 or 2)
    return base ** int(exponent)


def _rational_root(base: Fraction, degree: int) -> Fraction:
    """The root, where it is rational; that of a negative number for odd degrees only."""
    if degree > 64 or (base < 0 and degree % 2 == 0):
        raise NotRational
    roots = []
    for n in (abs(base.numerator), base.denominator):
        _small(Fraction(n))
        root = math.isqrt(n) if degree == 2 else _integer_root(n, degree)
        if root**degree != n:
            raise NotRational
        roots.append(root)
    return Fraction(roots[0], roots[1]) * (-1 if base < 0 else 1)


def _integer_root(n: int, degree: int) -> int:
    low, high = 0, 1 << (n.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= n:
            low = middle
        else:
            high = middle - 1
    return low


_VALUES = {"sum": 0, "prod": 0}


def _apply(function: str, values: list[Fraction]) -> Fraction:
    match function, values:
        case ("factorial", [n]) if n.denominator == 1 and n >= 0:
            if n > MAX_FACTORIAL:
                raise TooLarge(f"a factorial beyond {MAX_FACTORIAL}!", Outcome.UNSAFE)
            return Fraction(math.factorial(int(n)))
        case ("binomial", [n, k]) if n.denominator == k.denominator == 1 and n >= 0 and k >= 0:
            if min(k, abs(n - k)) * int(n).bit_length() > MAX_BITS // 8:
                raise NotRational
            return Fraction(math.comb(int(n), int(k)))
        case ("abs", [x]):
            return abs(x)
        case ("floor", [x]):
            return Fraction(math.floor(x))
        case ("ceil", [x]):
            return Fraction(math.ceil(x))
        case ("percent", [x]):
            return x / 100
        case ("base", [digits, base]):
            return Fraction(int(str(digits), int(base)))
        case ("root", [x, n]) if n.denominator == 1 and n > 0:
            return _rational_root(x, int(n))
        case ("gcd" | "lcm" as name, xs) if all(x.denominator == 1 for x in xs):
            fold = math.gcd if name == "gcd" else math.lcm
            return Fraction(fold(*(int(x) for x in xs)))
        case ("max", xs):
            return max(xs)
        case ("min", xs):
            return min(xs)
        case _:
            raise NotRational


def residue(x: Expression, point: Mapping[str, int]) -> int:
    """Return the value modulo `PRIME` at a point that gives every variable and `pi`, `e` a residue.

    Raises NotRational: also where a denominator vanishes at the point.
    """
    spend()
    match x:
        case Number(value):
            return _quotient(value.numerator, value.denominator)
        case Symbol(name) if name in point:  # first: the index of a sum may be called i
            return point[name]
        case Symbol("i"):
            return _ROOT_OF_MINUS_ONE
        case Symbol():
            raise NotRational
        case Sum(terms):
            return sum(residue(t, point) for t in terms) % PRIME
        case Product(factors):
            result = 1
            for factor in factors:
                result = result * residue(factor, point) % PRIME
            return result
        case Power(base, exponent):
            n = integer_of(exponent)
            if n is None:
                return _rational_residue(x)
            if n.bit_length() > _MAX_EXPONENT_BITS:
                raise NotRational
            root = residue(base, point)
            if root == 0 and n < 0:
                raise NotRational
            return int(pow(root, n, PRIME))
        case Apply("sum" | "prod" as name, (body, Symbol(index), lower, upper)):
            first, last = integer_of(lower), integer_of(upper)
            if first is None or last is None:
                raise NotRational
            if last - first > MAX_TERMS:
                raise TooLarge(f"more than {MAX_TERMS} terms", Outcome.UNSAFE)
            values = (residue(body, {**point, index: k}) for k in range(first, last + 1))
            return sum(values) % PRIME if name == "sum" else math.prod(values) % PRIME
        case Apply("percent", (inner,)):
            return residue(inner, point) * pow(100, -1, PRIME) % PRIME
        case _:
            return _rational_residue(x)


def _rational_residue(x: Expression) -> int:
    value = _fraction(x)
    return _quotient(value.numerator, value.denominator)


def _quotient(numerator: int, denominator: int) -> int:
    if denominator == 1:
        return numerator % PRIME
    if denominator % PRIME == 0:
        raise NotRational
    return numerator * pow(denominator, -1, PRIME) % PRIME


def _root_of_minus_one() -> int:
    for candidate in range(2, 100):
        root = pow(candidate, (PRIME - 1) // 4, PRIME)
        if root * root % PRIME == PRIME - 1:
            return root
    raise AssertionError("the modulus is no prime that is 1 modulo 4")


_ROOT_OF_MINUS_ONE = _root_of_minus_one()
