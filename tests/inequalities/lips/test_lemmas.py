"""The lemmas and their certificates, which the checker decides about, not the prover."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from bench.files.lines import encode
from bench.inequalities.checker import check_proof
from bench.inequalities.counterexamples import is_counterexample
from bench.inequalities.lips import lemmas
from bench.inequalities.lips.lemmas import (
    load_lemmas,
    load_proofs,
    load_proved,
    load_refused,
    load_unproved,
    prove_lemma,
)
from bench.inequalities.statements import compile_float, to_json

FAMILIES = {
    *("AM-GM", "AM-HM", "weighted AM-GM", "weighted power mean", "Jensen", "Cauchy-Schwarz"),
    *("Titu", "Hölder", "Chebyshev", "rearrangement", "Karamata", "Schur", "Vasc", "Muirhead"),
    "monotone context",
}


def test_every_lemma_that_is_used_has_a_certificate_that_the_checker_accepts() -> None:
    for lemma in load_proved():
        certificate = json.loads(json.dumps(load_proofs()[lemma.name]))
        check_proof(certificate)
        assert certificate["statement"] == to_json(lemma.statement), lemma.name


def test_lemmas_without_a_proof_are_named_and_not_used() -> None:
    unproved = {lemma.name for lemma in load_unproved()}
    assert "Schur, geometric means" in unproved
    assert unproved.isdisjoint(lemma.name for lemma in load_proved())
    assert len(unproved) + len(load_proved()) == len(load_lemmas())


def test_all_families_have_lemmas_and_no_name_occurs_twice() -> None:
    assert {lemma.family for lemma in load_proved()} == FAMILIES
    assert max(Counter(lemma.name for lemma in load_lemmas()).values()) == 1


def test_where_all_variables_are_equal_the_sides_and_the_pairs_are() -> None:
    for lemma in load_lemmas():
        names = lemma.statement.variables
        point = np.full((1, len(names)), 1.4)
        for left, right in [(lemma.larger, lemma.smaller), *lemma.equality]:
            values = [compile_float(side, names)(point)[0] for side in (left, right)]
            assert values[0] == pytest.approx(values[1]), lemma.name


def test_what_is_refused_is_false_at_a_point_or_else_says_why() -> None:
    names = {lemma.name for lemma in load_lemmas()}
    for refused in load_refused():
        assert refused.why and refused.repaired in names | {""}, refused.published
        if refused.statement is not None:
            assert is_counterexample(refused.statement, refused.point, 0), refused.published
    assert sum(refused.statement is not None for refused in load_refused()) >= 8


def test_a_proof_may_pass_through_a_value_between_the_sides() -> None:
    lemma = next(lemma for lemma in load_lemmas() if lemma.name == "AM-GM of 6")
    certificate = prove_lemma(lemma)
    assert certificate is not None
    assert certificate["proofs"][0][0]["step"] == "replace"


def test_a_certificate_of_another_statement_is_not_a_lemmas_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, *_ = load_proved()
    swapped = {"lemma": first.name, "certificate": load_proofs()[second.name]}
    _use_proofs(monkeypatch, tmp_path / "proofs.jsonl", encode(swapped))
    try:
        assert load_proofs() == {}
    finally:
        load_proofs.cache_clear()


def test_what_is_missing_or_refused_is_proved_and_the_rest_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, missing, broken = load_proved()[:3]
    damaged = {**load_proofs()[broken.name], "proofs": [[]]}
    stored = [(broken.name, damaged), (kept.name, load_proofs()[kept.name])]
    text = b"".join(encode({"lemma": name, "certificate": each}) for name, each in stored)
    monkeypatch.setattr(lemmas, "load_lemmas", lambda: (kept, missing, broken))
    _use_proofs(monkeypatch, tmp_path / "proofs.jsonl", text)
    try:
        lemmas.main(["--prove"])
        load_proofs.cache_clear()
        assert list(load_proofs()) == [kept.name, missing.name, broken.name]
    finally:
        load_proofs.cache_clear()
    said = capsys.readouterr().out
    assert f"{kept.name}: proved" not in said
    assert f"{missing.name}: proved" in said and f"{broken.name}: proved" in said


def _use_proofs(monkeypatch: pytest.MonkeyPatch, file: Path, text: bytes) -> None:
    file.write_bytes(text)
    monkeypatch.setattr(lemmas, "_PROOFS", file)
    load_proofs.cache_clear()
