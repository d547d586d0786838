"""A start that fails binds no directory; a run may grow; a lock that was removed is noticed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import RunDirError
from bench.runs.reader import load_run
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.runs.writer import RunDir
from bench.types import Outcome

SMALL = {"search": {"name": "sample", "n": 1}, "seed": 0}
LARGE = {"search": {"name": "sample", "n": 2}, "seed": 0}
ONE = Sample("42", Outcome.CORRECT, None, (), 100, "equal")


def header(config: Mapping[str, Any]) -> dict[str, Any]:
    return {"command": ["rstar-bench", "run", str(config["search"]["n"])], "config": config}


def record(name: str, samples: int) -> Record:
    chosen = {"majority": Selected("42", Outcome.CORRECT, 0)}
    return Record(name, 0, "pool", "42", "sample", (ONE,) * samples, chosen, Tokens(), 1)


def append(run: RunDir, name: str, samples: int) -> None:
    index = int(name.removeprefix("p"))
    run.append(record(name, samples), {"samples": samples}, {"total": 1.0}, index)


def store(path: Path, *names: str) -> None:
    with RunDir.open(path, header(SMALL)) as run:
        for name in names:
            append(run, name, 1)
        run.settle()


def grow(path: Path, refused: str | None = "") -> RunDir:
    return RunDir.open(
        path,
        header(LARGE),
        grows=lambda stored: refused if stored == SMALL else None,
        is_whole=lambda record: len(record.samples) == 2,
    )


def test_a_start_that_fails_leaves_a_folder_that_any_command_may_use(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), RunDir.open(tmp_path / "n", header(SMALL)):
        raise ZeroDivisionError  # the engine is not installed, say
    assert [each.name for each in (tmp_path / "n").iterdir()] == ["run.lock"]
    with RunDir.open(tmp_path / "n", header(LARGE)) as run:
        append(run, "p0", 2)
    assert load_run(tmp_path / "n").header["config"] == LARGE


def test_a_header_without_any_record_binds_nothing(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header(SMALL)) as run:
        run.note("engine", {"name": "scripted"})
    assert load_run(tmp_path).header["engine"] == {"name": "scripted"}
    with RunDir.open(tmp_path, header(LARGE)) as run:
        append(run, "p0", 2)
    stored = load_run(tmp_path)
    assert stored.config == LARGE
    assert "engine" not in stored.header, "of a start that failed nothing is kept"


def test_the_header_is_on_disk_before_the_first_record(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header(SMALL)) as run:
        append(run, "p0", 1)
        assert json.loads((tmp_path / "run.json").read_text())["config"] == SMALL


def test_a_grown_run_holds_what_a_larger_one_would(tmp_path: Path) -> None:
    store(tmp_path, "p0", "p1")
    with grow(tmp_path) as run:
        assert run.done == set()
        append(run, "p0", 2)
        append(run, "p1", 2)
        append(run, "p2", 2)
        run.settle()
    grown = load_run(tmp_path)
    assert grown.records == tuple(record(name, 2) for name in ("p0", "p1", "p2"))
    assert [tree.tree for tree in grown.trees()] == [{"samples": 2}] * 3
    assert len((tmp_path / "records.jsonl").read_bytes().splitlines()) == 3
    assert grown.config == LARGE
    assert grown.header["command"] == ["rstar-bench", "run", "2"]
    (before,) = grown.header["grown"]
    assert before["differences"] == {"search.n": ["1", "2"]}
    with grow(tmp_path) as run:
        assert len(run.done) == 3


def test_a_run_killed_while_it_grows_goes_on_and_says_until_then_what_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store(tmp_path, "p0", "p1")
    with grow(tmp_path) as run:
        append(run, "p1", 2)
    assert "some of its records are those of a smaller run" not in caplog.text
    assert load_run(tmp_path).records == (record("p0", 1), record("p1", 2))
    assert "some of its records are those of a smaller run" in caplog.text
    with grow(tmp_path) as run:
        assert run.done == {("p1", 0)}
        append(run, "p0", 2)
        run.settle()
    caplog.clear()
    assert load_run(tmp_path).records == (record("p0", 2), record("p1", 2))
    assert caplog.text == ""


def test_records_of_the_larger_run_stay_untouched(tmp_path: Path) -> None:
    store(tmp_path, "p0", "p1")
    before = (tmp_path / "records.jsonl").read_bytes()
    with RunDir.open(tmp_path, header(LARGE), grows=lambda stored: "") as run:
        assert len(run.done) == 2
        append(run, "p2", 1)
        run.settle()
    assert (tmp_path / "records.jsonl").read_bytes().startswith(before)


def test_why_a_run_cannot_grow_is_said(tmp_path: Path) -> None:
    store(tmp_path, "p0")
    with pytest.raises(
        RunDirError, match="(?s)search.n: the run has 1.*It cannot grow: it is full"
    ):
        grow(tmp_path, "it is full")
    with pytest.raises(RunDirError) as caught:
        grow(tmp_path, None)
    assert "cannot grow" not in str(caught.value)


def test_an_engine_error_is_run_again_at_the_new_size(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header(SMALL)) as run:
        failed = replace(record("p0", 0), error="EngineError: out of memory")
        run.append(failed, {}, {"total": 1.0}, 0)
    with grow(tmp_path) as run:
        assert run.done == set()


def test_a_writer_whose_lock_was_removed_stops_before_it_writes(tmp_path: Path) -> None:
    with RunDir.open(tmp_path, header(SMALL)) as run:
        append(run, "p0", 1)
        (tmp_path / "run.lock").unlink()
        with RunDir.open(tmp_path, header(SMALL)) as second:
            append(second, "p1", 1)
        with pytest.raises(RunDirError, match="run.lock was removed while this process wrote"):
            append(run, "p2", 1)
    assert [each.problem_id for each in load_run(tmp_path).records] == ["p0", "p1"]


def test_a_file_is_said_to_be_no_run(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text("print(1)")
    with pytest.raises(RunDirError, match="p.py is not a run directory: it is a file"):
        load_run(tmp_path / "p.py")
