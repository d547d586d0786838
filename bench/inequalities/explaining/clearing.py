"""The step `clear` replayed: the goal as a fraction, with the roots and denominators that it lists.

The prover finds these lists (`bench.inequalities.clearing`); here they are given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from bench.errors import DataError
from bench.inequalities.explaining.squares import read_polynomial
from bench.inequalities.goals import Goal
from bench.inequalities.polynomial_goals import Radical, drop_radicals, reduce_radicals
from bench.inequalities.polynomials import Polynomial, constant, from_flint, generators
from bench.inequalities.statements import Expression, from_json_expression


class Quotient(NamedTuple):
    """A numerator over a product of the listed denominators, by their numbers."""

    numerator: Polynomial
    over: Counter[int]


@dataclass(frozen=True, slots=True)
class Root:
    """`of^(1/index)`, and what it is said to be."""

    of: Expression
    index: int
    value: Quotient
    radical: int | None
    is_direct: bool
    """Whether it is just the radical, under its own radicand."""


@dataclass(slots=True)
class Cleared:
    """A goal as a fraction."""

    radicals: tuple[Radical, ...]
    denominators: tuple[Polynomial, ...]
    signs: tuple[int, ...]
    """Of the denominators."""
    roots: list[Root] = field(default_factory=list)
    numerator: Polynomial | None = None
    over: Counter[int] = field(default_factory=Counter)


def replay_clear(goal: Goal, step: Mapping[str, Any]) -> Cleared:
    """Return the fraction that a goal is, by the lists of a checked step `clear`."""
    n, size = len(goal.variables), len(goal.variables) + len(step["radicals"])
    radicals = tuple(
        Radical(int(each["index"]), read_polynomial(each["radicand"], n))
        for each in step["radicals"]
    )
    cleared = Cleared(
        radicals,
        tuple(read_polynomial(each["factor"], size) for each in step["denominators"]),
        tuple(int(each["sign"]) for each in step["denominators"]),
    )
    reader = _Reader(goal.variables, size, cleared)
    for each in step["roots"]:
        of, index = from_json_expression(each["of"]), int(each["index"])
        value = read_polynomial(each["factor"], size)
        radical = each["radical"]
        over = +Counter({i: int(k) for i, k in enumerate(each["over"])})
        direct = False
        if radical is not None:
            inside = reader.read(of)
            plain = not any(inside.numerator.degrees()[n:])
            direct = value.is_one() and not over and not inside.over and plain
            direct = direct and drop_radicals(inside.numerator, n) == radicals[radical].radicand
            value = value * generators(size)[n + radical]
        cleared.roots.append(Root(of, index, Quotient(value, over), radical, direct))
    found = reader.read(goal.expression)
    cleared.numerator, cleared.over = found.numerator, +found.over
    return cleared


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads expressions as FORMAT.md says."""

    variables: Sequence[str]
    size: int
    cleared: Cleared

    def read(self, e: Expression) -> Quotient:
        if isinstance(e, Fraction):
            return Quotient(constant(self.size, e), Counter())
        if isinstance(e, str):
            return Quotient(generators(self.size)[self.variables.index(e)], Counter())
        head, *parts = e
        if head == "^":
            return self._raise(parts[0], parts[1])
        values = [self.read(part) for part in parts]
        if head == "-":
            return Quotient(-values[0].numerator, values[0].over)
        if head == "/":
            values[1] = self._invert(values[1])
        if head == "+":
            return self._add(values)
        numerator, over = constant(self.size, 1), Counter[int]()
        for value in values:
            numerator, over = self._reduce(numerator * value.numerator), over + value.over
        return Quotient(numerator, over)

    def _reduce(self, p: Polynomial) -> Polynomial:
        return reduce_radicals(p, len(self.variables), self.cleared.radicals)

    def expand(self, over: Counter[int]) -> Polynomial:
        """Return a product of the denominators."""
        product = constant(self.size, 1)
        for i, k in over.items():
            product = self._reduce(product * self.cleared.denominators[i] ** k)
        return product

    def _add(self, values: Sequence[Quotient]) -> Quotient:
        common: Counter[int] = Counter()
        for value in values:
            common |= value.over
        total = constant(self.size, 0)
        for value in values:
            total = total + self._reduce(value.numerator * self.expand(common - value.over))
        return Quotient(total, common)

    def _raise(self, base: Expression, exponent: Expression) -> Quotient:
        assert isinstance(exponent, Fraction)
        value = self.read(base) if exponent.denominator == 1 else self._find_root(base, exponent)
        if exponent < 0:
            value = self._invert(value)
        k, numerator = abs(exponent.numerator), constant(self.size, 1)
        for _ in range(k):
            numerator = self._reduce(numerator * value.numerator)
        return Quotient(numerator, Counter({i: times * k for i, times in value.over.items()}))

    def _find_root(self, base: Expression, exponent: Fraction) -> Quotient:
        for root in self.cleared.roots:
            if root.of == base and root.index == exponent.denominator:
                return root.value
        raise DataError(f"the certificate lists no root {exponent.denominator} of {base}")

    def _invert(self, value: Quotient) -> Quotient:
        rest, found = value.numerator, Counter[int]()
        for i, factor in enumerate(self.cleared.denominators):
            while not rest.is_constant():
                quotient, remainder = divmod(rest, factor)
                if not remainder.is_zero():
                    break
                rest = quotient
                found[i] += 1
        assert rest.is_constant() and not rest.is_zero(), "a checked step lists all denominators"
        scale = 1 / from_flint(rest.leading_coefficient())
        return Quotient(self.expand(value.over) * constant(self.size, scale), found)
