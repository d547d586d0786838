"""The step `clear`, replayed and told: the goal as a fraction, by the lists that the step has.

The prover finds these lists (`bench.inequalities.proving.clearing`); here they are given.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from bench.errors import DataError
from bench.inequalities.explaining.claims import Claimed
from bench.inequalities.explaining.constrained import write_equality
from bench.inequalities.explaining.documents import Block, Paragraph, list_formulas
from bench.inequalities.explaining.formulas import make_primitive, write_rational
from bench.inequalities.explaining.polynomial_steps import Stage
from bench.inequalities.explaining.radicals import name_radicals
from bench.inequalities.explaining.scenes import Scene, define, refer_to, state_goal, write_quotient
from bench.inequalities.explaining.signs import explain_sign, write_homogenised
from bench.inequalities.explaining.squares import read_polynomial
from bench.inequalities.polynomials import Polynomial, constant, from_flint, generators, size_of
from bench.inequalities.proving.clearing import read_assumptions
from bench.inequalities.proving.goals import Goal
from bench.inequalities.proving.polynomial_goals import (
    Assumptions,
    PolynomialGoal,
    Radical,
    drop_radicals,
    reduce_radicals,
)
from bench.inequalities.statements import Expression, from_json_expression

Step = Mapping[str, Any]


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

    @property
    def signed(self) -> Polynomial:
        """The numerator over denominators that are positive."""
        assert self.numerator is not None
        sign = math.prod(self.signs[i] ** k for i, k in self.over.items())
        return self.numerator if sign > 0 else -self.numerator


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
            plain = not any(d > 0 for d in inside.numerator.degrees()[n:])
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


# The words


def explain_clear(claimed: Claimed, step: Step) -> tuple[Stage, list[Block]]:
    """Return the goal as a polynomial, and how it comes from the expression."""
    known = read_assumptions(claimed.goal)
    cleared = replay_clear(claimed.goal, step)
    scene, blocks = name_radicals(claimed.scene, known, cleared.radicals, step["radicals"])
    equations = [_write_root(claimed, scene, cleared, root) for root in cleared.roots]
    if any(equations):
        blocks.append(Paragraph(f"We have {list_formulas([*filter(None, equations)])}."))
    blocks += _explain_denominators(claimed.scene, known, cleared, step["denominators"])
    p = cleared.signed
    polynomial = PolynomialGoal(known, cleared.radicals, p, ())
    lead = _choose_lead(claimed, scene, cleared, p)
    if lead:
        stated, more = state_goal(scene, p, lead)
        return Stage(scene, polynomial, stated), [*blocks, *more]
    stated = refer_to(scene, p)
    if stated.has_label:
        head = Paragraph(f"Let ${stated.name}$ be the difference of the two sides,")
        blocks += [head, *define(stated)]
    return Stage(scene, polynomial, stated), blocks


def _choose_lead(claimed: Claimed, scene: Scene, cleared: Cleared, p: Polynomial) -> str:
    """Return how the polynomial comes from the goal; nothing where it is what was read."""
    shown, scale = make_primitive(p)
    if cleared.over:
        factors = []
        for i, k in cleared.over.items():
            whole, times = make_primitive(cleared.denominators[i] * cleared.signs[i])
            scale /= times**k
            factors.append((whole, k))
        product = scene.alphabet.write_factors(scale, factors)
        if len(factors) == 1 and factors[0][1] == scale == 1:
            product = scene.alphabet.write(factors[0][0])
        by = "the denominators" if product is None else f"${product.latex}$"
        return (
            f"We multiply by {by}, which is positive, and bring all terms to one side."
            " It remains to show"
        )
    latex = f"{scene.alphabet.write(shown).latex} {scene.relation} 0"
    if latex.replace(" ", "") == claimed.latex.replace(" ", ""):
        return ""
    first = f"We multiply by ${write_rational(scale)}$" if scale != 1 else "We multiply out"
    if scale.numerator == 1 < scale.denominator:
        first = f"We divide by ${scale.denominator}$"
    aside = "" if claimed.latex.endswith(" 0") else " and bring all terms to one side"
    return f"{first}{aside}. It remains to show"


def _write_root(claimed: Claimed, scene: Scene, cleared: Cleared, root: Root) -> str:
    """Return the equation of a root that is not just a radical with its own radicand, else ''."""
    if root.is_direct:
        return ""
    index = "" if root.index == 2 else f"[{root.index}]"
    left = rf"\sqrt{index}{{{claimed.write(root.of)}}}"
    bottom = constant(size_of(root.value.numerator), 1)
    for i, k in root.value.over.items():
        bottom = bottom * cleared.denominators[i] ** k
    right = write_quotient(scene, root.value.numerator, bottom)
    return "" if left == right else f"{left} = {right}"


def _explain_denominators(
    scene: Scene, known: Assumptions, cleared: Cleared, data: Sequence[Step]
) -> list[Block]:
    """Return why the denominators are not 0, those for which that is not seen at once."""
    equations: dict[int, list[str]] = {}
    blocks: list[Block] = []
    for factor, sign, each in zip(cleared.denominators, cleared.signs, data, strict=True):
        proof = each["proof"]
        if proof["by"] == "visible":
            continue
        stated = refer_to(scene, drop_radicals(factor * sign, known.n))
        if proof["by"] == "homogenised":
            j = int(proof["equality"])
            equations.setdefault(j, []).append(write_homogenised(scene, known, stated, j))
            continue
        blocks += define(stated) if stated.has_label else []

        blocks += explain_sign(scene, known, stated, proof, strict=True)
    told: list[Block] = []
    for j, formulas in equations.items():
        equality = known.equalities[j]
        assert equality is not None
        since = write_equality(equality, scene.alphabet)
        told.append(Paragraph(f"Since ${since}$, we have {list_formulas(formulas)}."))
    return _join_equations([*told, *blocks])


def _join_equations(blocks: Sequence[Block]) -> list[Block]:
    """Return blocks with neighbours that are one equation each in one sentence."""

    def read(block: Block) -> str | None:
        found = isinstance(block, Paragraph) and re.fullmatch(r"We have \$([^$]*)\$\.", block.text)
        return found[1] if found else None

    joined: list[Block] = []
    for is_equation, group in itertools.groupby(blocks, lambda block: read(block) is not None):
        members = list(group)
        if is_equation:
            equations = [equation for block in members if (equation := read(block))]
            members = [Paragraph(f"We have {list_formulas(equations)}.")]
        joined += members
    return joined
