"""The two sides of an inequality as sums of terms, and what a tactic of rewriting makes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from bench.inequalities.proving.goals import subtract
from bench.inequalities.statements import Expression, add, divide, multiply, negate

ZERO, ONE = Fraction(0), Fraction(1)

Term = tuple[int, Expression]
"""A sign, 1 or -1, and what has it."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """New sides of an inequality: it holds if `larger >= smaller` does.

    The old difference of the sides is `multiplier` times the new one, everywhere or where the
    equalities hold. If the rewriting is not exact, the old one is at least that much, which needs
    a proof.
    """

    tactic: str
    larger: Expression
    smaller: Expression
    exact: bool = True
    multiplier: Expression = ONE
    """Positive wherever the assumptions hold."""
    parts: tuple[Expression, ...] = ()
    """Where they are known, expressions that are not negative and that add up to what is lost."""

    @property
    def expression(self) -> Expression:
        """What a certificate puts in the place of the old difference."""
        return scale(self.multiplier, take_difference(self.larger, self.smaller))

    def within(self, multiplier: Expression) -> Rewriting:
        """Return the same for an inequality whose difference is multiplied by something."""
        return dataclasses.replace(
            self,
            multiplier=scale(multiplier, self.multiplier),
            parts=tuple(scale(multiplier, part) for part in self.parts),
        )


def take_difference(larger: Expression, smaller: Expression) -> Expression:
    """Return `larger - smaller`."""
    return larger if smaller == ZERO else subtract(larger, smaller)


def scale(factor: Expression, e: Expression) -> Expression:
    """Return a product without factors of 1."""
    if factor == ONE:
        return e
    return factor if e == ONE else multiply(factor, e)


def is_root(e: Expression) -> bool:
    """Whether an expression is a root, or a power of one."""
    return (
        isinstance(e, tuple) and e[0] == "^" and isinstance(e[2], Fraction) and e[2].denominator > 1
    )


def list_signed_terms(e: Expression, sign: int = 1) -> list[Term]:
    """Return the terms of a sum, of sums in it as well, their signs apart; none for 0."""
    if isinstance(e, tuple) and e[0] == "+":
        return [term for part in e[1:] for term in list_signed_terms(part, sign)]
    if isinstance(e, tuple) and e[0] == "-":
        return list_signed_terms(e[1], -sign)
    own, rest = pull_sign(e)
    return [] if rest == ZERO else [(sign * own, rest)]


def pull_sign(e: Expression) -> Term:
    """Return the sign in front of an expression, of factors and fractions, and the rest."""
    if isinstance(e, Fraction):
        return (-1, -e) if e < 0 else (1, e)
    if isinstance(e, str) or e[0] in ("+", "^"):
        return 1, e
    if e[0] == "-":
        sign, rest = pull_sign(e[1])
        return -sign, rest
    pulled = [pull_sign(part) for part in e[1:]]
    sign = 1
    for each, _ in pulled:
        sign *= each
    if e[0] == "/":
        return sign, divide(pulled[0][1], pulled[1][1])
    factors = [rest for _, rest in pulled if rest != ONE]
    if ZERO in factors:
        return 1, ZERO
    return sign, multiply(*factors) if factors else ONE


def put_in_order(e: Expression) -> Expression:
    """Return an expression with the terms of sums and the factors of products in a fixed order."""
    if not isinstance(e, tuple):
        return e
    op, *parts = map(put_in_order, e)
    return (op, *(sorted(parts, key=str) if op in ("+", "*") else parts))


def join_terms(terms: Iterable[Term]) -> Expression:
    """Return a sum of signed terms, those with a plus first."""
    ordered = sorted(terms, key=lambda term: -term[0])
    signed = [e if sign > 0 else negate(e) for sign, e in ordered]
    return add(*signed) if signed else ZERO


def balance(terms: Iterable[Term]) -> tuple[Expression, Expression]:
    """Return two sides whose difference is a sum: the terms with a plus, and the others."""
    listed = list(terms)
    larger = join_terms((1, e) for sign, e in listed if sign > 0)
    return larger, join_terms((1, e) for sign, e in listed if sign < 0)


def list_terms_of_difference(larger: Expression, smaller: Expression) -> list[Term]:
    """Return the terms of `larger - smaller` without those that cancel one another as written."""
    kept: list[Term] = []
    for sign, e in [*list_signed_terms(larger), *list_signed_terms(smaller, -1)]:
        if (-sign, e) in kept:
            kept.remove((-sign, e))
        else:
            kept.append((sign, e))
    return kept
