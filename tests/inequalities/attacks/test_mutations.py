"""Mutants of certificates: every kind changes something, and a checker that believes is caught."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from bench.inequalities.attacks import soundness
from bench.inequalities.attacks.mutations import MUTATIONS, mutate
from bench.inequalities.checker import ProofError, check_proof

ONE = [[[0, 0], "1"]]
SQUARE = {"weight": ONE, "basis": [[[[1, 0], "1"]], [[[0, 1], "1"]]]}
CERTIFICATE: dict[str, Any] = {
    "format": "rstar-bench inequality 1",
    "statement": {
        "variables": ["a", "b"],
        "assumptions": [[">", "a", "0"], [">", "b", "0"]],
        "claims": [[">=", ["+", ["/", "a", "b"], ["/", "b", "a"]], "2"]],
    },
    "proofs": [
        [
            {
                "step": "clear",
                "radicals": [],
                "roots": [],
                "denominators": [
                    {"factor": [[[1, 0], "1"]], "sign": 1, "proof": {"by": "visible"}},
                    {"factor": [[[0, 1], "1"]], "sign": 1, "proof": {"by": "visible"}},
                ],
            },
            {
                "step": "squares",
                "by": "squares",
                "multiplier": ONE,
                "negated": False,
                "blocks": [{**SQUARE, "gram": [["1", "-1"], ["-1", "1"]]}],
                "equalities": [[0, ONE]],
            },
        ]
    ],
}
"""With an equality that the statement does not have, so that every kind of number is in it."""
OTHER = [[{"step": "absurd", "equality": 0}]]
IN_CASES = copy.deepcopy(CERTIFICATE)
IN_CASES["proofs"][0][1] = {
    "step": "orthant",
    "proof": {"by": "variable", "variable": 0, "coefficients": {"0": {"by": "coefficients"}}},
}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_each_kind_changes_the_proof_and_nothing_else(kind: str) -> None:
    original = IN_CASES if kind == "case removed" else CERTIFICATE
    changed = json.loads(json.dumps(original))
    place = MUTATIONS[kind](changed, OTHER, Random(1))
    assert place is not None and place[0] == "proofs"
    assert changed["proofs"] != original["proofs"]
    assert {**changed, "proofs": None} == {**original, "proofs": None}


def test_a_mutant_depends_on_the_random_numbers_alone() -> None:
    mutants = [mutate(CERTIFICATE, OTHER, Random(seed)) for seed in (1, 1, 2, 3, 4)]
    assert mutants[0] == mutants[1]
    assert len({mutant.kind for mutant in mutants if mutant is not None}) > 1


def proved() -> dict[str, Any]:
    certificate = json.loads(json.dumps(CERTIFICATE))
    certificate["proofs"][0][1]["equalities"] = []
    check_proof(certificate)
    return certificate  # type: ignore[no-any-return]


def attack(count: int = 16) -> list[dict[str, Any]]:
    row = soundness.attack_certificate("two", proved(), OTHER, count, seed=1)
    return row["mutants"]  # type: ignore[no-any-return]


def test_the_checker_refuses_every_false_statement_and_answers_every_mutant() -> None:
    mutants = attack()
    assert [mutant["false"] for mutant in mutants].count(True) == 12
    assert [mutant["kind"] for mutant in mutants].count("proof kept") == 8
    assert all(mutant["verdict"] == "refused" for mutant in mutants if mutant["false"])
    assert all(mutant["verdict"] in ("refused", "accepted") for mutant in mutants)


def test_a_checker_that_believes_everything_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundness, "check_proof", lambda certificate: None)
    breaches = [m for m in attack() if m["false"] and m["verdict"] == "accepted"]
    assert len(breaches) == 12
    assert all(m["point"] and m["certificate"]["proofs"] for m in breaches)


def test_a_checker_that_forgets_the_claim_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that checks the proof against what was proved before, whatever the statement says."""
    original = proved()

    def check(certificate: Mapping[str, Any]) -> object:
        return check_proof({**certificate, "statement": original["statement"]})

    monkeypatch.setattr(soundness, "check_proof", check)
    kept = [m for m in attack() if m["kind"] == "proof kept"]
    assert all(m["verdict"] == "accepted" for m in kept)


def test_a_checker_that_crashes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(certificate: Mapping[str, Any]) -> object:
        if "0.5" in json.dumps(certificate) or certificate["proofs"] != proved()["proofs"]:
            raise KeyError("step")
        raise ProofError("not that")

    monkeypatch.setattr(soundness, "check_proof", check)
    crashed = [m for m in attack() if m["verdict"] == "crashed"]
    assert crashed and all("KeyError" in m["said"] for m in crashed)
