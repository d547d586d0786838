"""Goals read from texts, and steps decided by the checker."""

from __future__ import annotations

import json
from collections.abc import Sequence

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
    """Raise ProofError unless the steps prove an expression `>= 0` under the assumptions."""
    claimed = {**to_json(statement), "claims": [[">=", to_json_expression(expression), "0"]]}
    certificate = {"format": FORMAT, "statement": claimed, "proofs": [list(steps)]}
    check_proof(json.loads(json.dumps(certificate)))
