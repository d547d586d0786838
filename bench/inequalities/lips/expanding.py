"""Products and powers multiplied out, as terms of powers of whatever cannot be multiplied out.

A denominator that is a sum, or a root, is a base of its own; powers of one base are collected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TypeGuard

from bench.inequalities.lips.forms import raise_to
from bench.inequalities.lips.sides import ONE, ZERO, scale
from bench.inequalities.statements import Expression, add, divide, multiply, negate

Monomial = frozenset[tuple[Expression, Fraction]]
"""Bases with their exponents."""
Terms = Mapping[Monomial, Fraction]

CONSTANT: Monomial = frozenset()
MOST_TERMS = 120
"""Terms that an expression is expanded to."""
MOST_POWER = 12
"""Power of a sum that is multiplied out."""


class TooManyTerms(Exception):
    """An expression has more terms than are worth writing."""


def expand_products(e: Expression) -> Expression | None:
    """Return a sum of terms without sums in products; None where it is too long."""
    try:
        return write_terms(_expand(e))
    except TooManyTerms:
        return None


def expand_powers(e: Expression) -> Expression | None:
    """Return an expression with powers of products, quotients and sums multiplied out.

    Products of different sums stay. None where a power is too long.
    """
    if not isinstance(e, tuple):
        return e
    op, *parts = e
    found = [expand_powers(part) for part in parts]
    inner = [part for part in found if part is not None]
    if len(inner) < len(parts):
        return None
    base, exponent = inner[0], inner[-1]
    if op != "^" or not isinstance(base, tuple) or not _is_whole(exponent):
        return _rebuild(op, inner)
    head, *factors = base
    if head == "*":
        return multiply(*(_raise(factor, exponent) for factor in factors))
    if head == "/":
        return divide(_raise(factors[0], exponent), _raise(factors[1], exponent))
    if head == "^" and isinstance(factors[1], Fraction):
        return raise_to(factors[0], factors[1] * exponent)
    return expand_products(("^", base, exponent)) if exponent > 1 else ("^", base, exponent)


def gather(e: Expression) -> Terms:
    """Return the terms of a sum, products in them not multiplied out, like ones together."""
    if isinstance(e, tuple) and e[0] == "+":
        return _sum(map(gather, e[1:]))
    if isinstance(e, tuple) and e[0] == "-":
        return _times_constant(gather(e[1]), Fraction(-1))
    return _gather_product(e)


def write_terms(terms: Terms) -> Expression:
    """Return a sum of terms, those with a plus first."""
    ordered = sorted(terms.items(), key=lambda term: term[1] < 0)
    return add(*(write_term(monomial, c) for monomial, c in ordered)) if ordered else ZERO


def write_term(monomial: Monomial, c: Fraction) -> Expression:
    """Return a term: its bases with negative exponents are its denominator."""
    ordered = sorted(monomial, key=lambda power: (not isinstance(power[0], str), str(power[0])))
    above = [_raise(base, k) for base, k in ordered if k > 0]
    below = [_raise(base, -k) for base, k in ordered if k < 0]
    size = abs(c)
    top: Expression
    if below:
        top = scale(Fraction(size.numerator), multiply(*above) if above else ONE)
        below = [Fraction(size.denominator), *below] if size.denominator > 1 else below
        top = divide(top, multiply(*below))
    else:
        top = scale(size, multiply(*above)) if above else size
    return negate(top) if c < 0 else top


def _raise(base: Expression, k: Fraction) -> Expression:
    if isinstance(base, tuple) and base[0] == "^" and isinstance(base[2], Fraction):
        if base[2].denominator == k.denominator == 1:
            return ("^", base[1], base[2] * k)
    if isinstance(base, Fraction) and k.denominator == 1 and (base or k > 0):
        return base ** int(k)
    return raise_to(base, k)


def _is_whole(e: Expression) -> TypeGuard[Fraction]:
    return isinstance(e, Fraction) and e.denominator == 1


def _rebuild(op: Expression, parts: list[Expression]) -> Expression:
    if op == "+":
        return add(*parts)
    if op == "*":
        return multiply(*parts)
    if op == "/":
        return divide(*parts)
    return negate(parts[0]) if op == "-" else (op, *parts)


def _gather_product(e: Expression) -> dict[Monomial, Fraction]:
    """Return one term: the powers in a product, sums among their bases left as they are."""
    if isinstance(e, Fraction):
        return {CONSTANT: e} if e else {}
    if isinstance(e, tuple):
        op, *parts = e
        if op == "*":
            return _product(map(_gather_product, parts))
        if op == "/":
            return _product([_gather_product(parts[0]), _invert(_gather_product(parts[1]))])
        if op == "-":
            return _times_constant(_gather_product(parts[0]), Fraction(-1))
        if op == "^" and _is_whole(parts[1]) and not _is_sum(parts[0]):
            return _power(_gather_product(parts[0]), parts[1])
        if op == "^" and isinstance(parts[1], Fraction):
            return {frozenset([(parts[0], parts[1])]): ONE}
    return {frozenset([(e, ONE)]): ONE}


def _is_sum(e: Expression) -> bool:
    return isinstance(e, tuple) and e[0] == "+"


def _expand(e: Expression) -> dict[Monomial, Fraction]:
    if not isinstance(e, tuple):
        return _gather_product(e)
    op, *parts = e
    if op == "+":
        return _sum(map(_expand, parts))
    if op == "*":
        return _product(map(_expand, parts))
    if op == "-":
        return _times_constant(_expand(parts[0]), Fraction(-1))
    if op == "/":
        return _product([_expand(parts[0]), _invert(_expand(parts[1]))])
    base, exponent = parts
    if not isinstance(exponent, Fraction):
        return {frozenset([(e, ONE)]): ONE}
    inner = _expand(base)
    if exponent.denominator > 1:
        return {frozenset([(write_terms(inner), exponent)]): ONE}
    return _power(inner, exponent)


def _sum(parts: Iterable[Terms]) -> dict[Monomial, Fraction]:
    total: dict[Monomial, Fraction] = {}
    for part in parts:
        for monomial, c in part.items():
            total[monomial] = total.get(monomial, ZERO) + c
    return _checked({monomial: c for monomial, c in total.items() if c})


def _product(parts: Iterable[Terms]) -> dict[Monomial, Fraction]:
    total: dict[Monomial, Fraction] = {CONSTANT: ONE}
    for part in parts:
        products = (
            {_join(left, right): c * d} for left, c in total.items() for right, d in part.items()
        )
        total = _sum(products)
    return total


def _join(left: Monomial, right: Monomial) -> Monomial:
    powers = dict(left)
    for base, k in right:
        powers[base] = powers.get(base, ZERO) + k
    return frozenset((base, k) for base, k in powers.items() if k)


def _times_constant(terms: Terms, factor: Fraction) -> dict[Monomial, Fraction]:
    return {monomial: c * factor for monomial, c in terms.items()}


def _power(terms: Terms, exponent: Fraction) -> dict[Monomial, Fraction]:
    """Return a whole power."""
    if exponent < 0:
        terms, exponent = _invert(terms), -exponent
    if len(terms) != 1 and exponent > MOST_POWER:
        raise TooManyTerms(f"a power of more than {MOST_POWER}")
    if len(terms) != 1:
        return _product([terms] * int(exponent))
    ((monomial, c),) = terms.items()
    return {frozenset((base, k * exponent) for base, k in monomial if exponent): c ** int(exponent)}


def _invert(terms: Terms) -> dict[Monomial, Fraction]:
    """Return the inverse: of one term its powers turned, of a sum one base."""
    if len(terms) == 1:
        ((monomial, c),) = terms.items()
        return {frozenset((base, -k) for base, k in monomial): 1 / c}
    return {frozenset([(write_terms(terms), -ONE)]): ONE}


def _checked(terms: dict[Monomial, Fraction]) -> dict[Monomial, Fraction]:
    if len(terms) > MOST_TERMS:
        raise TooManyTerms(f"more than {MOST_TERMS} terms")
    return terms
