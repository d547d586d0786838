from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import DataError, MissingDataError
from bench.problems import BENCHMARKS, load, mirror
from bench.problems.registry import Benchmark
from bench.types import Verifier

ROWS = [
    {"id": "a", "problem": "What is 1 + 1?", "answer": "2", "level": "Level 1", "meta": {"n": 1}},
    {"id": "b", "problem": "What is 2 + 2?\u2028Think.", "answer": "4", "source": "here"},
    {"id": "c", "problem": "Who knows?", "answer": ""},
]

Write = Callable[[bytes], tuple[Benchmark, Path]]


def encoded(rows: list[dict[str, object]] = ROWS) -> bytes:  # type: ignore[assignment]
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of three rows, and returns the benchmark that pins exactly its bytes."""

    def write(content: bytes) -> tuple[Benchmark, Path]:
        path = tmp_path / "math500.jsonl"
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return replace(BENCHMARKS["math500"], rows=len(ROWS), sha256=digest), path

    return write


def test_rows_become_problems(write: Write) -> None:
    first, second, third = mirror.read(*write(encoded()))
    assert (first.id, first.answer, first.level) == ("a", "2", "Level 1")
    assert first.meta == {"n": 1, "source": "mirror"}
    assert second.question.endswith("\u2028Think.")  # a line separator in a text ends no row
    assert second.meta["source"] == "here"
    assert third.answer == ""  # an empty reference is data; answers are judged elsewhere


def test_a_formal_statement_is_the_question_and_what_its_verifier_is_told(write: Write) -> None:
    rows = [{**row, "meta": {"lean": f"theorem {row['id']} : 1 > 0"}} for row in ROWS]
    benchmark, path = write(encoded(rows))
    formal = replace(benchmark, statement="lean", verifier="certificate")
    first, *_ = mirror.read(formal, path)
    assert first.question == "theorem a : 1 > 0"
    assert first.verifier == Verifier("certificate", {"statement": first.question})
    with pytest.raises(DataError, match="line 1: 'meta' has no text under 'lean4'"):
        mirror.read(replace(formal, statement="lean4"), path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda rows: rows[:-20], r"line 3: not valid JSON .*truncated"),
        (lambda rows: rows.replace(b'"b"', b'"\xff"'), r"line 2: not valid JSON"),
        (lambda rows: rows.replace(b"\n", b"\n\n", 1), r"line 2: not valid JSON"),
        (lambda rows: rows + b"[1]\n", r"line 4: expected a JSON object, found list"),
        (
            lambda rows: rows.replace(b'"4"', b"4"),
            r"line 2: column 'answer' must be str, found int",
        ),
        (lambda rows: rows.replace(b'"id": "b", ', b""), r"line 2: column 'id' .* found nothing"),
        (lambda rows: rows.replace(b"Who knows?", b" "), r"line 3: column 'problem' is empty"),
        (lambda rows: rows.replace(b'{"n": 1}', b"[]"), r"line 1: column 'meta' must be dict"),
        (lambda rows: rows.replace(b'"c"', b'"a"'), r"line 3: id 'a' was used on line 1 already"),
        (lambda rows: b"".join(rows.splitlines(True)[:2]), r"has 2 rows, .* published with 3"),
        (lambda rows: b"", r"line 1: not valid JSON"),
    ],
)
def test_a_damaged_file_is_refused(
    damage: Callable[[bytes], bytes], message: str, write: Write
) -> None:
    with pytest.raises(DataError, match=message):
        mirror.read(*write(damage(encoded())))


def test_an_edited_row_is_refused(write: Write) -> None:
    benchmark, path = write(encoded())
    path.write_bytes(encoded().replace(b'"4"', b'"5"'))
    with pytest.raises(DataError, match="some row was edited"):
        mirror.read(benchmark, path)


def test_a_directory_without_the_file_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_DATA", str(tmp_path))
    with pytest.raises(MissingDataError, match=r"has no file 'gsm8k_test.jsonl'; set it to the"):
        load("gsm8k")


def test_a_missing_directory_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSTAR_BENCH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(MissingDataError, match=r"nowhere', which is not a directory"):
        load("gsm8k")


def test_a_variable_set_to_nothing_leaves_it_to_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RSTAR_BENCH_DATA", "")
    assert mirror.locate(BENCHMARKS["gsm8k"]) is None


def test_data_beside_the_working_directory_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shared" / "data").mkdir(parents=True)
    (tmp_path / "clone").mkdir()
    path = tmp_path / "shared" / "data" / "gsm8k_test.jsonl"
    path.touch()
    monkeypatch.delenv("RSTAR_BENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path / "clone")
    assert mirror.locate(BENCHMARKS["gsm8k"]) == path


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_real_rows_are_those_that_the_registry_pins(name: str) -> None:
    path = mirror.locate(BENCHMARKS[name])
    if path is None:
        pytest.skip("no mirror: RSTAR_BENCH_DATA is not set and ../shared/data does not exist")
    problems = mirror.read(BENCHMARKS[name], path)
    assert len(problems) == BENCHMARKS[name].rows
    assert all(problem.question and problem.benchmark == name for problem in problems)
    assert load(name, limit=5, errata=False) == problems[:5]
