"""A statement and the steps that are to prove it, true or false."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from bench.inequalities.checker import Statement, check_proof
from bench.inequalities.statements import to_json
from bench.inequalities.texts.reading import read_statement
from tests.inequalities.checking import points
from tests.inequalities.checking.certificates import COEFFICIENTS, Json, block, clear, orthant, poly

UNPROVED = "needed a proof"
NOT_POSITIVE = "needed a proof that the polynomial is > 0"
CLOSE = (clear(), orthant(COEFFICIENTS))
UNIT = poly("at", "1")


class Proof(NamedTuple):
    """Steps that are to prove a statement, and what a refusal says of them."""

    text: str
    steps: Sequence[Json]
    refusal: str = ""

    def check(self) -> None:
        """Raise ProofError unless it is a proof."""
        statement = to_json(read_statement(self.text))
        made = {"format": "rstar-bench inequality 1", "statement": statement}
        check_proof(json.loads(json.dumps({**made, "proofs": [list(self.steps)]})))

    def find_counterexample(self) -> dict[str, float] | None:
        given = to_json(read_statement(self.text))
        lists = (tuple(given[key]) for key in ("variables", "assumptions", "claims"))
        return points.find_counterexample(Statement(*lists))


def list_proofs(groups: Mapping[str, Sequence[Proof]]) -> list[Any]:
    """Each proof of each group, for a test, under the name of the group and its statement."""
    return [
        pytest.param(group, number, id=f"{group} {number}: {proof.text[:40]}")
        for group, proofs in groups.items()
        for number, proof in enumerate(proofs)
    ]


def unit_block(weight: Json) -> Json:
    """A weight as it stands, as a block of sums of squares."""
    return block(weight, [[[[0] * len(weight[0][0]), "1"]]], "1")
