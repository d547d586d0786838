from __future__ import annotations

import pytest

pytest.importorskip("datasets", reason="the package datasets is not installed")

from bench.lm_eval.documents import documents, is_document
from bench.problems import BENCHMARKS, load, mirror
from bench.problems.errata import errata

NAME = "omni_math_rule"


def test_documents_have_the_errata_unless_metadata_refuses_them() -> None:
    if mirror.locate(BENCHMARKS[NAME]) is None:
        pytest.skip("no mirror: RSTAR_BENCH_DATA is not set and ../shared/data does not exist")
    # lm-eval hands a model's arguments to every task as well; they change nothing here.
    mended = documents(NAME, policy="smollm2", rollouts=8, version=1.0)["test"]
    published = documents(NAME, errata=False)["test"]
    assert {row["id"] for row in mended if row["erratum"]} == {each.id for each in errata(NAME)}
    assert not any(published["erratum"])
    assert mended["id"] == published["id"] == [problem.id for problem in load(NAME)]
    replaced = {each.id for each in errata(NAME) if each.use == "replace"}
    changed = {
        row["id"]
        for row, old in zip(mended, published, strict=True)
        if row["answer"] != old["answer"]
    }
    assert replaced <= changed <= {each.id for each in errata(NAME)}


def test_a_document_is_known_by_its_columns() -> None:
    row = dict.fromkeys(
        ("id", "question", "answer", "alternatives", "level", "subject", "erratum"), ""
    )
    assert is_document(row)
    assert not is_document({"question": "x", "answer": "y"})
    assert not is_document("a text")
