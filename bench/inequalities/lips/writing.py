"""Sums of terms as expressions again, so that a reader sees their form."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from bench.inequalities.lips.rationals import Number
from bench.inequalities.lips.rationals import divide as divide_numbers
from bench.inequalities.lips.terms import (
    ONE,
    Base,
    Opaque,
    Sum,
    Term,
    find_content,
    scale,
)
from bench.inequalities.statements import (
    Expression,
    add,
    divide,
    multiply,
    negate,
    raise_to,
)


def write(terms: Sum) -> Expression:
    """Return a sum as an expression: what the coefficients share in front, minus signs last."""
    if not terms:
        return Fraction(0)
    shared = find_content(terms)
    rest = scale(terms, divide_numbers(1, shared))
    if len(terms) > 1 and _count_numbers(rest) + _count_numbers([Term(shared)]) < _count_numbers(
        terms
    ):
        return write_term(Term(shared, ((rest, ONE),)))
    ordered = sorted(terms, key=lambda term: term.coefficient < 0)
    return add(*map(write_term, ordered))


def _count_numbers(terms: Iterable[Term]) -> int:
    coefficients = [term.coefficient for term in terms]
    return sum((abs(c.numerator) != 1) + (c.denominator != 1) for c in coefficients)


def write_term(term: Term) -> Expression:
    """Return a term as an expression, with one root for all roots of an index."""
    if term.coefficient < 0:
        return negate(write_term(term.scale(-1)))
    above = _write_powers([(base, k) for base, k in term.powers if k > 0])
    below = _write_powers([(base, -k) for base, k in term.powers if k < 0])
    top, bottom = term.coefficient.numerator, term.coefficient.denominator
    if top != 1 or not above:
        above.insert(0, Fraction(top))
    if bottom != 1:
        below.insert(0, Fraction(bottom))
    return divide(multiply(*above), multiply(*below)) if below else multiply(*above)


def _write_powers(powers: list[tuple[Base, Number]]) -> list[Expression]:
    """Return powers with positive exponents as factors: whole powers, then roots by their index."""
    written: list[Expression] = []
    for index in sorted({k.denominator for _, k in powers}):
        alike = [(base, k * index) for base, k in powers if k.denominator == index]
        number = math.prod((Fraction(base) ** int(k) for base, k in alike if isinstance(base, int)))
        others = [(base, k) for base, k in alike if not isinstance(base, int)]
        if len(others) == 1 and number == 1:
            ((base, k),) = others
            written.append(_write_power(base, divide_numbers(k, index)))
        else:
            inner = [
                *([Fraction(number)] if number != 1 else []),
                *(_write_power(*p) for p in others),
            ]
            written += inner if index == 1 else [raise_to(multiply(*inner), Fraction(1, index))]
    return written


def _write_power(base: Base, k: Number) -> Expression:
    written: Expression
    if isinstance(base, str):
        written = base
    elif isinstance(base, int):
        written = Fraction(base)
    else:
        written = base.expression if isinstance(base, Opaque) else write(base)
    return written if k == 1 else raise_to(written, Fraction(k))
