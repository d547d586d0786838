from __future__ import annotations

from dataclasses import replace

import pytest

from bench.problems import BENCHMARKS, corrected_ids, errata, load, mirror
from bench.problems.errata import Erratum, apply_errata
from bench.problems.fingerprint import text_digest
from bench.types import Problem

QUESTION = "For which x is  x^2 = 4?"


def problem(answer: str = "2", question: str = QUESTION) -> Problem:
    return Problem("p-1", question, answer, "pool")


def erratum(use: str, *answers: str) -> Erratum:
    digests = text_digest(QUESTION), text_digest("2")
    return Erratum("p-1", "wrong gold", use, answers, *digests, "worked here")


@pytest.mark.parametrize(
    ("use", "answers", "answer", "alternatives"),
    [
        ("replace", ("-2",), "-2", ()),
        ("all", ("-2", "2"), "-2, 2", ()),
        ("any", ("2", "-2"), "2", ("-2",)),
        ("unusable", (), "", ()),
    ],
)
def test_an_erratum_changes_the_answer_and_says_so(
    use: str,
    answers: tuple[str, ...],
    answer: str,
    alternatives: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(errata, "errata", lambda name: (erratum(use, *answers),))
    (mended,) = apply_errata("pool", [problem()])
    assert (mended.answer, mended.alternatives) == (answer, alternatives)
    assert mended.meta["erratum"] == {"id": "p-1", "kind": "wrong gold", "published": "2"}
    assert corrected_ids([mended, problem()]) == ["p-1"]


@pytest.mark.parametrize(
    "other", [problem(answer="-2, 2"), problem(question="For which x is x^2 = 9?")]
)
def test_a_row_that_its_publisher_has_mended_stays_as_it_is(
    other: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errata, "errata", lambda name: (erratum("replace", "-2"),))
    assert apply_errata("pool", [other]) == [other]


def test_the_row_is_found_whatever_its_id_and_spacing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errata, "errata", lambda name: (erratum("replace", "-2"),))
    on_hub = replace(problem(question=f" {QUESTION}\n"), id="pool-17")
    (mended,) = apply_errata("pool", [on_hub])
    assert (mended.id, mended.answer) == ("pool-17", "-2")


@pytest.mark.parametrize("name", [name for name in BENCHMARKS if errata.errata(name)])
def test_every_erratum_finds_its_row_in_the_mirror(name: str) -> None:
    if mirror.locate(BENCHMARKS[name]) is None:
        pytest.skip("no mirror: RSTAR_BENCH_DATA is not set and ../shared/data does not exist")
    assert set(corrected_ids(load(name))) == {e.id for e in errata.errata(name)}
    assert not corrected_ids(load(name, errata=False))
