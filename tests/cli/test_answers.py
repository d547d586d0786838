"""`check` and `checkers` from the command line: words, exit statuses, files, refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.answers import close_checkers
from bench.checkers.panel import names
from bench.cli import main
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.runs.writer import RunDir
from bench.types import Outcome

STRINGS = "prm800k-style"
GOLDEN = Path(__file__).parents[1] / "answers" / "golden" / "words.jsonl"


@pytest.fixture(autouse=True, scope="module")
def _closed_in_the_end() -> Iterator[None]:
    yield
    close_checkers()


def written(folder: Path, *rows: dict[str, object]) -> Path:
    file = folder / "cases.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.mark.parametrize(
    ("gold", "prediction", "status", "words"),
    [
        (r"\frac{1}{2}", "0.5", 0, "equal: "),
        (r"\frac{1}{2}", r"Hence \boxed{0.5}.", 0, "equal: "),
        ("x+1", "x-1", 1, "not equal (wrong): "),
        ("7", "", 1, "not equal (no_answer): "),
        (" ", "7", 2, "not equal (invalid_gold): "),
    ],
)
def test_one_check_explains_itself_and_tells_by_its_status(
    capsys: pytest.CaptureFixture[str], gold: str, prediction: str, status: int, words: str
) -> None:
    assert main(["check", "--gold", gold, "--prediction", prediction]) == status
    out = capsys.readouterr().out
    assert out.startswith(words)
    assert re.search(r"decided by +\S.*, in [\d.]+ ms", out)


def test_a_prediction_that_starts_with_a_sign_is_no_option() -> None:
    assert main(["check", "--gold=-1", "--prediction=-1"]) == 0


def test_a_convention_changes_a_verdict() -> None:
    pair = ["check", "--gold", r"25\%", "--prediction", "0.25"]
    assert main(pair) == 0
    assert main([*pair, "--convention", "percent=false"]) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("check",), "check needs --gold and --prediction, or --cases and --out"),
        (("check", "--gold", "7"), "check needs --gold and --prediction"),
        (("check", "--cases", "a", "--gold", "7"), "and not both pairs"),
        (
            ("check", "--gold", "7", "--prediction", "7", "--checker", "math-verifi"),
            "unknown checker 'math-verifi'; did you mean 'math-verify'",
        ),
        (
            ("check", "--gold", "7", "--prediction", "7", "--convention", "percnt=true"),
            "unknown convention 'percnt'; did you mean 'percent'",
        ),
        (
            ("check", "--gold", "7", "--prediction", "7", "--convention", "percent=maybe"),
            "--convention percent=maybe: the value must be true or false",
        ),
        (
            ("check", "--gold", "7", "--prediction", "7", "--convention", "tolerance=much"),
            "--convention tolerance=much: the value must be a finite number",
        ),
        (
            ("check", "--cases", str(GOLDEN), "--out", "no/such/v.jsonl"),
            "no folder no/such to write",
        ),
        (
            ("checkers", "diff", str(GOLDEN), "--checkers", "a.jsonl,b"),
            "no file of verdicts a.jsonl",
        ),
        (("checkers", "diff", "absent.jsonl"), "cannot read the cases absent.jsonl"),
        (("checkers", "diff", "absent.jsonl", "--checkers", "a"), "two names with a comma"),
        (("checkers", "gate", "absent.jsonl"), "cannot read the cases absent.jsonl"),
    ],
)
def test_what_a_user_gets_wrong_costs_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    error = refused(capsys, *arguments)
    assert sentence in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_cases_become_verdicts_in_order_and_a_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = written(
        tmp_path,
        {"id": "a", "gold": "7", "prediction": "7.0", "equal": True},
        {"id": 2, "gold": "7", "prediction": "8", "equal": False},
        {"gold": "7", "prediction": None},
    )
    out = tmp_path / "verdicts.jsonl"
    assert main(["check", "--cases", str(cases), "--out", str(out), "--checker", STRINGS]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["id"] for row in rows] == ["a", 2, None]
    assert [row["outcome"] for row in rows] == ["correct", "wrong", "no_answer"]
    assert [row["equal"] for row in rows] == [True, False, False]
    assert all(row["comparer"] == "prm800k-style 1" and row["seconds"] >= 0 for row in rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.jsonl", "verdicts.jsonl"]
    text = capsys.readouterr().out
    assert "100.0 [34.2, 100.0]" in text
    assert "0.0 (0/1)" in text


def test_a_malformed_line_is_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = written(tmp_path, {"gold": "7", "prediction": "7"}, {"gold": "7"})
    out = tmp_path / "verdicts.jsonl"
    error = refused(capsys, "check", "--cases", str(cases), "--out", str(out))
    assert f"{cases}, line 2: no 'prediction'" in error
    assert not out.exists()


def test_the_panel_is_listed_with_versions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkers"]) == 0
    text = capsys.readouterr().out
    assert [line.split()[0] for line in text.splitlines()[::2]] == list(names())
    assert "math-verify 0.9.0" in text
    assert "PARTIAL" in text


def run_directory(path: Path) -> Path:
    answers = {"p0": ("1/2", Outcome.CORRECT), "p1": ("0.5", Outcome.CORRECT), "p2": (None, None)}
    with RunDir.open(path, {"command": ["x"], "config": {"seed": 0}}) as run:
        for index, (name, (answer, outcome)) in enumerate(answers.items()):
            outcome = outcome or Outcome.NO_ANSWER
            sample = Sample(answer, outcome, None, (), 5, "math-verify: equal")
            chosen = {"greedy": Selected(answer, outcome, 0)}
            record = Record(
                name, 0, "pool", r"\frac{1}{2}", "greedy", (sample,), chosen, Tokens(), 0
            )
            run.append(record, {}, {"total": 1.0}, index)
    return path


def test_a_diff_on_a_run_lists_flips_and_the_change_of_the_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_directory(tmp_path / "run")
    assert main(["checkers", "diff", str(run), "--checkers", f"recorded,{STRINGS}"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert r"p1: \frac{1}{2} | 0.5" in text
    assert "recorded: correct; recorded:" in text
    assert f"{STRINGS}: wrong; prm800k-style 1: different strings" in text
    assert "-33.3 [" in text
    assert "1 flips in 3 distinct pairs" in text


def test_a_diff_against_an_older_version_s_verdicts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = written(tmp_path, {"id": 1, "gold": "7", "prediction": "7.0", "equal": True})
    old = tmp_path / "old.jsonl"
    row = {"id": 1, "outcome": "wrong", "equal": False, "comparer": "old 0", "reason": "strict"}
    old.write_text(json.dumps({**row, "seconds": 0.1}) + "\n")
    assert main(["checkers", "diff", str(cases), "--checkers", f"{old},{STRINGS}"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "wrong; old 0: strict" in text
    assert "correct (as labelled); prm800k-style 1: equal strings" in text


def test_a_gate_fails_on_a_regression_and_passes_with_a_baseline_that_excuses_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right: dict[str, object] = {"id": "r", "gold": "7", "prediction": "7", "equal": True}
    wrong: dict[str, object] = {"id": "w", "gold": "x+1", "prediction": "1+x", "equal": True}
    gate = ["checkers", "gate", str(written(tmp_path, right, wrong)), "--checker", STRINGS]
    baseline = str(tmp_path / "baseline.json")
    assert main(gate) == 1
    assert "FAILED: 1 of 2 labelled cases are misjudged" in capsys.readouterr().out
    assert main([*gate, "--write-baseline", baseline]) == 0
    assert main([*gate, "--baseline", baseline]) == 0
    assert "1 excused by the baseline" in capsys.readouterr().out
    written(tmp_path, right, wrong, {**wrong, "id": "new"})
    assert main([*gate, "--baseline", baseline]) == 1
    assert "new: x+1 | 1+x" in " ".join(capsys.readouterr().out.split())
