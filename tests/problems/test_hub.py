from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.errors import DataError, MissingExtraError
from bench.problems import BENCHMARKS, hub

GSM8K = BENCHMARKS["gsm8k"]
ROW = {"question": "Ann has 2 pens and buys 3. How many?", "answer": "2 + 3 = 5\n#### 5"}


def test_a_row_becomes_a_problem_with_the_mirrors_id() -> None:
    problem = hub.problem_from_row(GSM8K, ROW, 7, revision="abc")
    assert (problem.id, problem.answer) == ("gsm8k-test-7", "5")
    assert problem.question == ROW["question"]
    assert problem.meta == {"source": "openai/gsm8k", "revision": "abc"}


def test_a_context_comes_before_the_question() -> None:
    row = {
        "id": 12,
        "context": "Let n be 4.",
        "question": "What is n?",
        "final_answer": ["4"],
        "subfield": "Algebra",
    }
    problem = hub.problem_from_row(BENCHMARKS["olympiadbench"], row, 0, revision="abc")
    assert problem.question == "Let n be 4.\nWhat is n?"
    assert (problem.id, problem.answer, problem.subject) == ("olympiadbench-12", "4", "Algebra")
    without = hub.problem_from_row(
        BENCHMARKS["olympiadbench"], {**row, "context": None}, 0, revision="abc"
    )
    assert without.question == "What is n?"


def test_a_numeric_level_is_spelled_as_in_the_mirror() -> None:
    row = {"problem": "?", "answer": "1", "unique_id": "u", "level": 2, "subject": "Algebra"}
    problem = hub.problem_from_row(BENCHMARKS["math500"], row, 0, revision="abc")
    assert (problem.id, problem.level) == ("u", "Level 2")


def test_a_missing_column_names_those_that_are_there() -> None:
    with pytest.raises(DataError, match="row 3: no column 'question'; it has answer, problem"):
        hub.problem_from_row(GSM8K, {"problem": "?", "answer": "#### 1"}, 3, revision="abc")


def test_a_row_without_a_reference_is_named() -> None:
    with pytest.raises(DataError, match="'openai/gsm8k', row 3: column 'answer' has no '####'"):
        hub.problem_from_row(GSM8K, {**ROW, "answer": "five"}, 3, revision="abc")


def test_without_the_datasets_package_the_install_command_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)  # Python's own way to say: not installed
    with pytest.raises(MissingExtraError, match=r"pip install 'rstar-bench\[cpu\]'"):
        hub.read(GSM8K)


def run_python(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a new process: the hub's settings are read once, on import."""
    pytest.importorskip("datasets", reason="the package datasets is not installed")
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "RSTAR_BENCH_DATA": "", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_an_unreachable_hub_is_one_quick_sentence() -> None:
    start = time.monotonic()
    done = run_python(
        "from bench.errors import MissingDataError\n"
        "from bench.problems import load\n"
        "try: load('gsm8k')\n"
        "except MissingDataError as error: print(error)",
        HF_ENDPOINT="http://127.0.0.1:9",  # the discard port: nothing listens
        HF_HUB_OFFLINE="0",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert "cannot read 'gsm8k' from the hub dataset 'openai/gsm8k'" in done.stdout
    assert "set RSTAR_BENCH_DATA to a directory that holds 'gsm8k_test.jsonl'" in done.stdout
    # `datasets` alone retries for 23 s; most of what is left is its import.
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    ("rows", "printed"), [(2, "gsm8k-test-1 5"), (3, "has 2 rows, expected 3")]
)
def test_rows_come_through_the_datasets_package(rows: int, printed: str, tmp_path: Path) -> None:
    # A local folder takes the place of the hub dataset; the reader and its checks are real.
    folder = tmp_path / "gsm8k"
    folder.mkdir()
    (folder / "test.jsonl").write_text(f"{json.dumps(ROW)}\n" * 2)
    done = run_python(
        "from dataclasses import replace\n"
        "from bench.errors import DataError\n"
        "from bench.problems import BENCHMARKS, hub\n"
        "entry = BENCHMARKS['gsm8k']\n"
        f"source = replace(entry.hub, id={str(folder)!r}, configs=(None,))\n"
        f"try: problems = hub.read(replace(entry, hub=source, rows={rows}))\n"
        "except DataError as error: print(error)\n"
        "else: print(problems[-1].id, problems[-1].answer)",
        HF_HUB_OFFLINE="1",
        HF_HOME=str(tmp_path / "cache"),
    )
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout


@pytest.mark.network
@pytest.mark.parametrize("name", [name for name, entry in BENCHMARKS.items() if entry.hub])
def test_the_hub_has_the_rows_of_the_registry(name: str) -> None:
    problems = hub.read(BENCHMARKS[name])
    assert len({problem.id for problem in problems}) == len(problems)
