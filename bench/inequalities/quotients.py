"""Expressions as quotients of polynomials, in which further variables stand for the roots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from bench.inequalities.polynomials import Polynomial, constant, degree_of, generators
from bench.inequalities.statements import Expression

MOST_DEGREE = 24
"""Degree beyond which nothing is made a polynomial."""


class NoPolynomial(Exception):
    """An expression has a variable in an exponent, or too high a degree."""


@dataclass(frozen=True, slots=True)
class Root:
    """What a further variable stands for; it is not negative."""

    of: Expression
    index: int


class Quotients:
    """A ring of polynomials for some expressions: their variables first, then their roots."""

    def __init__(self, names: Sequence[str], expressions: Iterable[Expression]) -> None:
        """Make the ring; `names` has all variables of the expressions."""
        self._names = tuple(names)
        self.size = len(self._names) + sum(map(_count_roots, expressions))
        """Variables of the ring; some are not used where a root occurs twice."""
        self.roots: dict[Root, Polynomial] = {}
        """What the variables behind the names stand for, in their order."""
        self.equations: list[Polynomial] = []
        """What is 0 because they are roots."""

    def read(self, e: Expression) -> tuple[Polynomial, Polynomial]:
        """Return numerator and denominator, perhaps with common factors. Raises NoPolynomial."""
        if isinstance(e, Fraction):
            return constant(self.size, e), constant(self.size, 1)
        if isinstance(e, str):
            return generators(self.size)[self._names.index(e)], constant(self.size, 1)
        if e[0] == "^":
            return self._read_power(e[1], e[2])
        (top, bottom), *others = [self.read(part) for part in e[1:]]
        if e[0] == "-":
            return -top, bottom
        for a, b in others:
            if e[0] == "*":
                top, bottom = top * a, bottom * b
            elif e[0] == "/":
                top, bottom = top * b, bottom * a
            elif b == bottom:
                top = top + a
            else:
                top, bottom = top * b + a * bottom, bottom * b
            _limit(top, bottom)
        return top, bottom

    def _read_power(self, base: Expression, exponent: Expression) -> tuple[Polynomial, Polynomial]:
        if not isinstance(exponent, Fraction):
            raise NoPolynomial
        index, power = exponent.denominator, abs(exponent.numerator)
        top, bottom = self.read(base) if index == 1 else self._read_root(Root(base, index))
        if power * max(degree_of(top), degree_of(bottom)) > MOST_DEGREE:
            raise NoPolynomial
        top, bottom = top**power, bottom**power
        return (top, bottom) if exponent >= 0 else (bottom, top)

    def _read_root(self, root: Root) -> tuple[Polynomial, Polynomial]:
        if root not in self.roots:
            top, bottom = self.read(root.of)
            variable = generators(self.size)[len(self._names) + len(self.roots)]
            self.roots[root] = variable
            equation = bottom * variable**root.index - top
            _limit(equation)
            self.equations.append(equation)
        return self.roots[root], constant(self.size, 1)


def _limit(*polynomials: Polynomial) -> None:
    if any(degree_of(p) > MOST_DEGREE for p in polynomials):
        raise NoPolynomial


def _count_roots(e: Expression) -> int:
    if not isinstance(e, tuple):
        return 0
    own = e[0] == "^" and isinstance(e[2], Fraction) and e[2].denominator > 1
    return own + sum(map(_count_roots, e[1:]))
