"""A goal that is a sum of functions of one variable each, bounded by lines (`tangent_line`).

An equality says what the variables add up to, or the goal is homogeneous, and then their sum may
be taken to be 1. A line touches its function where all variables are equal, or meets it at both
ends of the range. Where all lines have one slope they add up to a number. That each line lies below
its function is proved for each by itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from bench.inequalities.lips.assuming import count_variables, shorten_by_equalities
from bench.inequalities.lips.expanding import gather, write_terms
from bench.inequalities.lips.forms import Forms, raise_to
from bench.inequalities.lips.ranking import find_degree
from bench.inequalities.lips.sides import (
    ZERO,
    Rewriting,
    Term,
    balance,
    join_terms,
    list_signed_terms,
    list_terms_of_difference,
    scale,
)
from bench.inequalities.polynomials import terms_of
from bench.inequalities.proving.goals import Goal, subtract
from bench.inequalities.roots import exact_root
from bench.inequalities.statements import (
    Expression,
    add,
    compile_float,
    divide,
    evaluate,
    find_variables,
    negate,
)

TOLERANCE = 1e-9


class Line(NamedTuple):
    """`intercept + slope * x`."""

    intercept: Fraction
    slope: Fraction


class _Sum(NamedTuple):
    """A goal as a sum of functions of one variable each, where the variables add up to a total."""

    functions: Mapping[str, list[Term]]
    """By variable, in that variable alone."""
    originals: Mapping[str, list[Term]]
    """The same functions as the goal has them."""
    rest: list[Term]
    """The terms without variables, as the goal has them."""
    total: Fraction
    degree: int | None
    """Of all terms, if the goal is homogeneous and the total is only a choice of ours."""


def tangent_line(forms: Forms, larger: Expression, smaller: Expression) -> Iterator[Rewriting]:
    """Put lines below the functions of one variable that a goal is a sum of."""
    found = _decouple(forms.goal, list_terms_of_difference(larger, smaller))
    if found is None or forms.goal.free:
        return
    for choose in (_touch, _join_ends):
        lines = {
            v: choose(join_terms(terms), v, found.total, len(forms.goal.variables))
            for v, terms in found.functions.items()
        }
        known = {v: line for v, line in lines.items() if line is not None}
        if len(known) == len(lines) and all(
            _lies_below(known[v], join_terms(terms), v, found.total)
            for v, terms in found.functions.items()
        ):
            yield _bound(forms.goal, found, known)


def _decouple(goal: Goal, terms: list[Term]) -> _Sum | None:
    """Return a goal as a sum of functions of one variable; None where it is not seen as one."""
    total, degree = _find_total(goal), None
    if total is None:
        degrees = {find_degree(e) for _, e in terms}
        common = degrees.pop() if len(degrees) == 1 else None
        if common is None or common.denominator > 1 or goal.equalities:
            return None
        total, degree = Fraction(1), int(common)
    # In a homogeneous goal the variables may be scaled until they add up to 1.
    sum_is_total = add(*goal.variables, negate(total))
    forms = Forms(dataclasses.replace(goal, equalities=(sum_is_total,)))
    functions: dict[str, list[Term]] = {}
    originals: dict[str, list[Term]] = {}
    rest: list[Term] = []
    for sign, e in terms:
        short = shorten_by_equalities(forms, e, count_variables)
        names = find_variables(short)
        if len(names) > 1:
            return None
        if not names:
            rest.append((sign, e))
        for v in names:
            functions.setdefault(v, []).append((sign, short))
            originals.setdefault(v, []).append((sign, e))
    return _Sum(functions, originals, rest, total, degree) if functions else None


def _find_total(goal: Goal) -> Fraction | None:
    """Return what the variables add up to, by an equality."""
    n = len(goal.variables)
    zero = (0,) * n
    units = {tuple(int(k == i) for k in range(n)) for i in range(n)}
    for h in Forms(goal).known.equalities:
        terms = {} if h is None else terms_of(h)
        slopes = {c for e, c in terms.items() if e != zero}
        if set(terms) == {*units, zero} and len(slopes) == 1:
            return -terms[zero] / slopes.pop()
    return None


# Lines


def _touch(e: Expression, v: str, total: Fraction, n: int) -> Line | None:
    """Return the tangent where all variables are equal; None where it is not rational."""
    at = total / n
    found = _follow(e, at)
    return None if found is None else Line(found[0] - found[1] * at, found[1])


def _join_ends(e: Expression, v: str, total: Fraction, n: int) -> Line | None:
    """Return the line through the ends of the graph; None where these are not rational."""
    first, last = (evaluate(e, {v: x}) for x in (ZERO, total))
    return None if first is None or last is None else Line(first, (last - first) / total)


def _follow(e: Expression, at: Fraction) -> tuple[Fraction, Fraction] | None:
    """Return the value and the derivative of an expression in one variable."""
    if isinstance(e, Fraction):
        return e, ZERO
    if isinstance(e, str):
        return at, Fraction(1)
    op, *parts = e
    if op == "^":
        inner = _follow(parts[0], at)
        if inner is None or not isinstance(parts[1], Fraction):
            return None
        return _follow_power(inner, parts[1])
    found = [_follow(part, at) for part in parts]
    known = [each for each in found if each is not None]
    if len(known) < len(parts):
        return None
    value, slope = known[0]
    if op == "-":
        return -value, -slope
    if op == "/":
        below, steepness = known[1]
        if not below:
            return None
        return value / below, (slope * below - value * steepness) / below**2
    for other, steepness in known[1:]:
        if op == "+":
            value, slope = value + other, slope + steepness
        else:
            value, slope = value * other, slope * other + value * steepness
    return value, slope


def _follow_power(
    inner: tuple[Fraction, Fraction], exponent: Fraction
) -> tuple[Fraction, Fraction] | None:
    base, slope = inner
    if not base or (base < 0 and exponent.denominator > 1):
        return None
    root = exact_root(base, exponent.denominator)
    if root is None:
        return None
    value = root**exponent.numerator
    return value, exponent * value / base * slope


def _lies_below(line: Line, e: Expression, v: str, total: Fraction) -> bool:
    """Whether a line is below a function at points of the range, up to rounding."""
    points = float(total) * np.linspace(0, 1, 102)[1:-1, None]
    values = compile_float(e, (v,))(points)
    gaps = values - float(line.intercept) - float(line.slope) * points[:, 0]
    return bool((gaps >= -TOLERANCE * (1 + abs(values))).all())


def _bound(goal: Goal, found: _Sum, lines: Mapping[str, Line]) -> Rewriting:
    """Return the goal with lines in the places of its functions."""
    exact = found.functions if found.degree is None else found.originals
    written = {v: _write(goal, line, v, found.degree) for v, line in lines.items()}
    parts = [_settle(subtract(join_terms(exact[v]), line)) for v, line in written.items()]
    slopes = {line.slope for line in lines.values()}
    if len(slopes) == 1 and len(lines) == len(goal.variables):
        intercept = sum((line.intercept for line in lines.values()), ZERO)
        value = intercept + slopes.pop() * found.total
        larger = value if found.degree is None else _raise_total(goal, value, found.degree)
    else:
        larger = _settle(add(*written.values()))
    sides = balance([*list_signed_terms(larger), *found.rest])
    parts = [part for part in parts if part != ZERO]
    return Rewriting("tangent_line", *sides, exact=not parts, parts=tuple(parts))


def _write(goal: Goal, line: Line, v: str, degree: int | None) -> Expression:
    """Return a line; of a homogeneous goal's degree, the variables' sum in the place of 1."""
    if degree is None:
        return _settle(add(line.intercept, scale(line.slope, v)))
    return _settle(
        add(
            _raise_total(goal, line.intercept, degree),
            scale(_raise_total(goal, line.slope, degree - 1), v),
        )
    )


def _raise_total(goal: Goal, value: Fraction, degree: int) -> Expression:
    if not degree:
        return value
    power = raise_to(add(*goal.variables), Fraction(abs(degree)))
    return scale(value, power) if degree > 0 else divide(value, power)


def _settle(e: Expression) -> Expression:
    """Return a sum with like terms together."""
    return write_terms(gather(e))
