"""Expressions of a certificate: read, substituted in, and read again as fractions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from reprlib import repr as show
from typing import Any

from bench.inequalities.checking.assumptions import Sign
from bench.inequalities.checking.data import (
    MAX_INTEGER,
    MAX_NESTING,
    RATIONAL,
    choose,
    read_list,
    read_rational,
)
from bench.inequalities.checking.exact import Polynomial, ProofError, Ring, charge, require

MAX_NODES = 20_000  # of the expressions of a proof, all together, after a substitution

Expression = str | tuple[Any, ...]
"""A name, a rational, or an operator and its expressions: the format's lists, as tuples."""
Relation = tuple[str, Expression, Expression]
Quotient = tuple[Polynomial, "Counter[int]"]
"""A numerator, and the power of each denominator."""

COMPARISONS = dict.fromkeys((">=", ">", "<=", "<", "=", "!="))
ARITY = {"+": (2, MAX_NODES), "*": (2, MAX_NODES), "-": (1, 1), "/": (2, 2), "^": (2, 2)}


class UnreadableError(ProofError):
    """An expression is no fraction with the roots and the denominators at hand."""


def read_expression(data: Any, names: Iterable[str]) -> Expression:
    """Return an expression in variables with these names."""
    if isinstance(data, str):
        require(data in names or bool(RATIONAL.fullmatch(data)), f"{show(data)} is not known")
        return data
    head, *parts = read_list(data) or [None]
    low, high = choose(ARITY, head)
    require(low <= len(parts) <= high, f"{head!r} has {len(parts)} arguments")
    result = (head, *(read_expression(part, names) for part in parts))
    numeric = head == "^" and isinstance(parts[1], list) and not find_variables(result[2])
    require(not numeric, "an exponent without variables is not a rational text")
    return result


def read_relation(data: Any, names: Iterable[str]) -> Relation:
    """Return a relation of two expressions."""
    op, left, right = read_list(data, 3)
    choose(COMPARISONS, op)
    return op, read_expression(left, names), read_expression(right, names)


def find_variables(expression: Expression) -> set[str]:
    """Return the names of the variables in an expression."""
    if isinstance(expression, str):
        return set() if RATIONAL.fullmatch(expression) else {expression}
    return set[str]().union(*map(find_variables, expression[1:]))


def substitute(expression: Expression, images: Mapping[str, Expression]) -> Expression:
    """Return an expression with others in the places of variables, all at once."""
    if isinstance(expression, str):
        return images.get(expression, expression)
    return (expression[0], *(substitute(part, images) for part in expression[1:]))


def limit_sizes(expressions: Iterable[Expression]) -> None:
    """Refuse what has grown beyond the limits."""
    waiting, seen = [(each, 0) for each in expressions], 0
    while waiting:
        expression, depth = waiting.pop()
        seen += 1
        fits = seen <= MAX_NODES and depth <= MAX_NESTING
        require(fits, f"the expressions exceed {MAX_NODES} nodes or {MAX_NESTING} levels")
        if isinstance(expression, tuple):
            waiting += [(part, depth + 1) for part in expression[1:]]
    charge(seen)


def subtract(left: Expression, right: Expression) -> Expression:
    """Return the difference of two expressions."""
    return ("+", left, ("-", right))


class Fractions:
    """Reads expressions as fractions num / (D1^k1 D2^k2 ...) with the roots and the D at hand.

    With `signs` it starts without any: a denominator that is visibly above 0 is the next D.
    """

    def __init__(self, names: Iterable[str], ring: Ring, signs: Sequence[Sign] = ()) -> None:
        """Set out with no roots and no denominators."""
        self.names, self.ring, self.signs = list(names), ring, signs
        self.denominators: list[Polynomial] = []
        self.roots: dict[tuple[Expression, int], Quotient] = {}

    def expand(self, powers: Counter[int]) -> Polynomial:
        """Return a product of powers of the denominators."""
        result = self.ring.constant(1)
        for i, k in powers.items():
            result = result * self.denominators[i] ** k
        return result

    def read(self, expression: Expression) -> Quotient:
        """Return the fraction of an expression. Raises UnreadableError where it is none."""
        charge(20)
        if isinstance(expression, str):
            if expression in self.names:
                return self.ring.unit(self.names.index(expression)), Counter()
            return self.ring.constant(read_rational(expression)), Counter()
        head, *parts = expression
        if head == "^":
            return self._read_power(*parts)
        values = [self.read(part) for part in parts]
        if head == "-":
            return values[0][0] * -1, values[0][1]
        if head == "/":
            values[1] = self._invert(values[1])
        top, under = values[0]
        for right, below in values[1:]:
            if head == "+":
                powers = under | below
                top = top * self.expand(powers - under) + right * self.expand(powers - below)
                under = powers
            else:
                top, under = top * right, under + below
        return top, under

    def _read_power(self, base: Expression, exponent: Expression) -> Quotient:
        if not isinstance(exponent, str) or exponent in self.names:
            raise UnreadableError("an exponent has variables")
        power = read_rational(exponent)
        k, q = power.numerator, power.denominator
        require(max(abs(k), q) <= MAX_INTEGER, f"an exponent exceeds {MAX_INTEGER}")
        if q == 1:
            value = self.read(base)
        elif (base, q) in self.roots:
            value = self.roots[base, q]
        else:
            raise UnreadableError(f"root {q} of {show(base)} is not listed")
        top, under = self._invert(value) if k < 0 else value
        return top ** abs(k), Counter({i: times * abs(k) for i, times in under.items() if k})

    def _invert(self, value: Quotient) -> Quotient:
        """Return the inverse of a fraction, whose numerator is divided by all denominators."""
        rest, found = value[0], Counter[int]()
        for i, factor in enumerate(self.denominators):
            while rest and (less := rest.divide(factor)) is not None:
                rest = less
                found[i] += 1
        used = {i for exponents in rest for i, k in enumerate(exponents) if k}
        positive = self.signs and all(self.signs[i] is Sign.POSITIVE for i in used)
        if used and positive and rest.has_no_minus():
            found[len(self.denominators)] = 1
            self.denominators.append(rest)
            rest = self.ring.constant(1)
        if not rest or not rest.is_constant():
            raise UnreadableError("a denominator is no product of those that are shown not 0")
        return self.expand(value[1]) * (1 / next(iter(rest.values()))), found
