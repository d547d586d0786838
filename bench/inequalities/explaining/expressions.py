"""Expressions in the names that the reader sees, without what substituting left."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from bench.inequalities.statements import Expression, Relation, format_latex_expression


def write_expression(e: Expression, shown: Mapping[str, str]) -> str:
    """Return an expression in the names that the reader sees."""
    latex = format_latex_expression(_tidy(_rename(e, shown)))
    return re.sub(r"([_^])\{(\w)\}", r"\1\2", latex)


def write_name(name: str) -> str:
    """Return a variable's name."""
    return re.sub(r"_\{(\w)\}", r"_\1", format_latex_expression(name))


def choose_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names as a reader expects them: `u1` is `u_1`, if that is none of the others."""
    shown = [re.sub(r"^([A-Za-z])([0-9]+)$", r"\1_\2", name) for name in names]
    return tuple(shown if len({*shown}) == len(names) else names)


_RELATIONS = {">=": r"\ge", "<=": r"\le", "!=": r"\ne"}


def write_relation(relation: Relation, shown: Mapping[str, str]) -> str:
    """Return a relation in the names that the reader sees."""
    op, left, right = relation
    sides = (write_expression(left, shown), write_expression(right, shown))
    return f"{sides[0]} {_RELATIONS.get(op, op)} {sides[1]}"


def _rename(e: Expression, shown: Mapping[str, str]) -> Expression:
    if isinstance(e, str):
        return shown.get(e, e)
    if isinstance(e, Fraction):
        return e
    return (e[0], *(_rename(part, shown) for part in e[1:]))


def _tidy(e: Expression) -> Expression:
    """Return an equal expression without what substituting left: sums in sums, powers of powers."""
    if not isinstance(e, tuple):
        return e
    head, *parts = e
    parts = [_tidy(part) for part in parts]
    if head == "+":
        return _tidy_sum(parts)
    if head == "-":
        return _negate(parts[0])
    if head == "*":
        return _tidy_product(parts)
    if head == "^" and isinstance(parts[1], Fraction):
        return _raise(parts[0], parts[1])
    return (head, *parts)


def _tidy_product(parts: Iterable[Expression]) -> Expression:
    negative, flat = False, list[Expression]()
    for part in parts:
        if isinstance(part, tuple) and part[0] == "-":
            negative, part = not negative, part[1]
        flat += [g for g in _list_parts(part, "*") if g != Fraction(1)]
    groups = [(g, len(list(same))) for g, same in itertools.groupby(flat)]
    flat = [g if k == 1 else ("^", g, Fraction(k)) for g, k in groups]
    product = ("*", *flat) if len(flat) > 1 else (flat or [Fraction(1)])[0]
    return _negate(product) if negative else product


def _raise(base: Expression, power: Fraction) -> Expression:
    if isinstance(base, tuple) and base[0] == "-" and power.denominator == 1:
        raised = _raise(base[1], power)
        return raised if power % 2 == 0 else _negate(raised)
    if isinstance(base, tuple) and base[0] == "^" and power.denominator == 1:
        inner = base[2]
        if isinstance(inner, Fraction) and inner.denominator == 1:
            return ("^", base[1], inner * power)
    return base if power == 1 else ("^", base, power)


def _tidy_sum(parts: Iterable[Expression]) -> Expression:
    flat = [g for part in parts for g in _list_parts(part, "+") if g != Fraction(0)]
    if not flat:
        return Fraction(0)
    return flat[0] if len(flat) == 1 else ("+", *flat)


def _negate(e: Expression) -> Expression:
    if isinstance(e, Fraction):
        return -e
    if isinstance(e, tuple) and e[0] == "-":
        return e[1]
    if isinstance(e, tuple) and e[0] == "*" and isinstance(e[1], Fraction) and e[1] < 0:
        return _tidy(("*", -e[1], *e[2:]))
    return ("-", e)


def _list_parts(e: Expression, head: str) -> Sequence[Expression]:
    return e[1:] if isinstance(e, tuple) and e[0] == head else (e,)
