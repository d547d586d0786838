"""Certificates of the steps within `replace`: each level is decided by the checker on its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bench.inequalities.checker import check_proof
from bench.inequalities.proving.goals import Goal, Step, begin
from bench.inequalities.proving.prover import FORMAT
from bench.inequalities.statements import Expression, Statement, to_json, to_json_expression
from bench.inequalities.texts.reading import read_expression, read_statement


def read_goal(text: str) -> tuple[Statement, Goal, Expression, Expression]:
    """A statement, its first claim as a goal, and that claim's larger and smaller side."""
    statement = read_statement(text)
    op, left, right = statement.claims[0]
    sides = (left, right) if op in (">=", ">") else (right, left)
    return statement, begin(statement, statement.claims[0]), *sides


def read(text: str) -> Expression:
    return read_expression(text)


def check_steps(statement: Statement, expression: Expression, steps: Sequence[Step]) -> None:
    """Raise ProofError unless the steps prove an expression `>= 0` under a statement's assumptions.

    A step `replace` is taken apart: its proof and what follows it are two certificates.
    """
    _check(to_json(statement), to_json_expression(expression), list(steps))


def _check(statement: dict[str, Any], expression: Any, steps: list[Step]) -> None:
    while steps and steps[0]["step"] == "replace":
        by = steps[0]["by"]
        _check(statement, ["+", expression, ["-", by]], steps[0]["proof"])
        expression, steps = by, steps[1:]
    claimed = {**statement, "claims": [[">=", expression, "0"]]}
    certificate = {"format": FORMAT, "statement": claimed, "proofs": [steps]}
    check_proof(json.loads(json.dumps(certificate)))
