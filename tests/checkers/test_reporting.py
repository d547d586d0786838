"""A disputed verdict becomes a row that the corpus takes; the corpus says what it covers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.answers import close_checkers
from bench.checkers import Case, golden_corpus, load_cases
from bench.checkers.coverage import Coverage, list_coverage
from bench.checkers.panel import Ours
from bench.checkers.reporting import Dispute, append_row, find_dispute, next_id, report_row
from bench.cli import main
from bench.errors import DataError
from bench.types import Outcome, Verifier
from tests.made_runs import make_record, make_run


@pytest.fixture(autouse=True, scope="module")
def _closed_in_the_end() -> Iterator[None]:
    yield
    close_checkers()


def dispute(gold: str, prediction: str, *, equal: bool) -> Dispute:
    return Dispute(gold, prediction, equal, "number", "half is a half")


def test_a_row_has_the_pair_its_label_and_who_says_what(tmp_path: Path) -> None:
    row = report_row(dispute("1/2", r"\frac{2}{4}", equal=True), [Ours()], tmp_path)
    assert (row["id"], row["expected"], row["why"]) == ("number-001", "equal", "half is a half")
    assert row["report"]["prediction_form"] == "2/4"
    assert list(row["report"]["verdicts"].values()) == ["correct; number: the same value"]
    assert "known" not in row


def test_a_verdict_that_is_wrong_today_is_known_to_be(tmp_path: Path) -> None:
    row = report_row(dispute("1/2", "1/3", equal=True), [Ours()], tmp_path)
    assert row["known"] == "judged wrong: not the same value"


def test_a_row_is_added_under_the_next_id_and_read_as_a_case(tmp_path: Path) -> None:
    file = tmp_path / "disputed.jsonl"
    for _ in range(2):
        append_row(report_row(dispute("1/2", "0.5", equal=True), [Ours()], tmp_path), file)
    assert [case.id for case in load_cases(file)] == ["number-001", "number-002"]
    assert next_id("mixed number", tmp_path) == "mixed-number-001"


def test_a_run_gives_the_pair_and_the_verdict_that_it_recorded() -> None:
    run = make_run([make_record(0, {"majority": Outcome.WRONG})], search="sample")
    problem = run.records[0].problem_id
    found = find_dispute(run, problem, None, equal=True, category="number", why="it is")
    assert (found.gold, found.run) == (run.records[0].gold, run.path.name)
    assert found.recorded.startswith("wrong")
    with pytest.raises(DataError, match="no problem 'absent'"):
        find_dispute(run, "absent", None, equal=True, category="number", why="it is")
    with pytest.raises(DataError, match="no selector 'mcts'; it has: majority"):
        find_dispute(run, problem, "mcts", equal=True, category="number", why="it is")


def test_a_problem_without_a_reference_has_no_row() -> None:
    record = replace(make_record(0, {"majority": Outcome.WRONG}), verifier=Verifier("arithmetic"))
    run = make_run([record], search="sample")
    with pytest.raises(DataError, match="the verifier 'arithmetic' decided"):
        find_dispute(run, record.problem_id, None, equal=True, category="number", why="it is")


def test_the_command_prints_the_row_and_adds_it_to_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.jsonl"
    words = ["--expected", "unequal", "--category", "decimal", "--why", "a third is no 0.3"]
    pair = ["--gold", r"\frac{1}{3}", "--prediction", "0.3", "--checkers", "rstar-bench"]
    assert main(["checkers", "report-row", *pair, *words, "--to", str(file)]) == 0
    assert capsys.readouterr().out == file.read_text()
    (case,) = load_cases(file)
    assert (case.id, case.equal, case.category) == ("decimal-001", False, "decimal")
    assert main(["checkers", "report-row", *words]) == 2


def test_a_row_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot write the row"):
        append_row(json.loads("{}"), tmp_path / "absent" / "file.jsonl")


def test_coverage_counts_labels_by_category_the_thinnest_first() -> None:
    def case(category: str, equal: bool | None, outcome: Outcome | None = None) -> Case:
        return Case(1, "x", "1", "1", equal, outcome, "answer", category, False, False)

    cases = [case("set", True), case("set", False), case("unit", False, Outcome.NO_ANSWER)]
    assert list_coverage(cases) == [Coverage("unit", 1, 0, 0), Coverage("set", 2, 1, 1)]


THIN = (
    "alternatives",
    "antiderivative",
    "chinese",
    "choice",
    "matrix",
    "multiple parts",
    "piecewise",
    "set",
    "unit",
)


def test_no_category_of_the_golden_corpus_that_was_thin_is() -> None:
    rows = {each.category: each for each in list_coverage(load_cases(golden_corpus()))}
    for category in THIN:
        assert rows[category].rows >= 25, category
        assert min(rows[category].equal, rows[category].unequal) >= 8, category
