"""Points at which a statement is false, among few, in floating point: no code of the prover's."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from typing import Any

from bench.inequalities.checker import Statement

Json = Any


def evaluate(expression: Json, at: dict[str, float]) -> float:
    """The value at a point. Raises where it has none."""
    if isinstance(expression, str):
        return at[expression] if expression in at else float(Fraction(expression))
    head, *parts = expression
    values = [evaluate(part, at) for part in parts]
    if head == "^":
        value = values[0] ** values[1]
        whole = isinstance(parts[1], str) and parts[1] not in at and "/" not in parts[1]
        if isinstance(value, complex) or (values[0] < 0 and not whole):
            raise ZeroDivisionError
        return float(value)
    if head == "+":
        return sum(values)
    if head == "-":
        return -values[0]
    return values[0] / values[1] if head == "/" else math.prod(values, start=1.0)


def holds(relation: Json, at: dict[str, float], slack: float) -> bool:
    """Whether a relation holds by more than some slack; what has no value does not hold."""
    op = relation[0]
    try:
        left, right = (evaluate(side, at) for side in relation[1:])
    except (ZeroDivisionError, OverflowError):
        return False
    if op in ("=", "!="):
        return (abs(left - right) < 1e-9) is (op == "=")
    larger, smaller = (left, right) if op in (">=", ">") else (right, left)
    return larger - smaller > slack if op in (">", "<") else larger - smaller >= -slack


def find_counterexample(statement: Statement) -> dict[str, float] | None:
    grid = (-2.0, -0.5, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)
    for point in product(
        grid[: None if len(statement.variables) < 4 else 6], repeat=len(statement.variables)
    ):
        at = dict(zip(statement.variables, point, strict=True))
        if all(holds(each, at, 0) for each in statement.assumptions) and not all(
            holds(each, at, 1e-9) for each in statement.claims
        ):
            return at
    return None
