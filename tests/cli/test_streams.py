"""Closed, full and broken streams, and files that are none, end a command in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bench.cli
import rstar_train.cli
from bench.search.official.replay import read_recordings

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="descriptors are closed by a shell")
needs_full = pytest.mark.skipif(not FULL.is_char_device(), reason="no full device here")


def shell(program: str, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of a shell, with its redirections, where any warning would be heard."""
    command = f"{sys.executable} -m {program}.cli {arguments}"
    return subprocess.run(
        command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("program", "arguments", "said"),
    [
        ("bench", "benchmarks >&-", "rstar-bench: standard output is closed; send it to a file"),
        ("rstar_train", "table >&-", "rstar-train: standard output is closed; send it to a file"),
        ("bench", "exec - <&-", "rstar-bench: standard input is closed; give a FILE.py"),
        pytest.param(
            "bench",
            "benchmarks > /dev/full",
            "rstar-bench: standard output: No space left on device; free some space",
            marks=needs_full,
        ),
        pytest.param(
            "bench",
            "--help > /dev/full",
            "rstar-bench: standard output: No space left on device; free some space",
            marks=needs_full,
        ),
        pytest.param(
            "rstar_train",
            "--help > /dev/full",
            "rstar-train: standard output: No space left on device; free some space",
            marks=needs_full,
        ),
    ],
)
def test_a_stream_that_is_closed_or_full_is_told(program: str, arguments: str, said: str) -> None:
    done = shell(program, arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("to", ["2>&-", pytest.param("2>/dev/full", marks=needs_full)])
def test_a_log_that_cannot_be_written_costs_nothing(to: str) -> None:
    done = shell("bench", f"benchmarks {to}")
    assert done.returncode == 0
    assert "math500" in done.stdout
    assert shell("bench", f"report no/such {to}").returncode == 2


def one(main: object, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that is refused; return its one sentence."""
    assert callable(main)
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return str(told)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["exec", "--cases", "deep", "--out", "o"], "deep, line 1 is no JSON: it is nested too"),
        (["check", "--cases", "deep", "--out", "o"], "deep, line 1: it is nested too deeply"),
        (["replay", "deep"], "deep, line 1 is no recorded search (ValueError: it is nested too"),
        (["report", "run"], "run/run.json is damaged (ValueError: it is nested too deeply)"),
        (["verify-proof", "deep"], "deep is not JSON that can be read: it is nested too deeply"),
        (["contamination", "--train", "deep"], "deep, line 1: not valid JSON (it is nested too"),
        (["exec", "latin"], "latin is not UTF-8 text: invalid continuation byte at byte 7"),
        (["exec", "folder"], "cannot read folder: Is a directory"),
        (["exec", "--cases", "folder", "--out", "o"], "cannot read folder: Is a directory"),
        (["exec", "--cases", "c", "--out", "c"], "cannot write c: this command reads it"),
        (["check", "--cases", "cases", "--out", "cases"], "cannot write cases: this command reads"),
        (["report", "folder/x", "--tokens", "9", "--plot", "no/x.svg"], "no folder no to write"),
        (["report", "folder/x", "--tokens", "9", "--plot", "folder"], "cannot write folder: it is"),
        (["checkers", "gate", "cases", "--write-baseline", "cases"], "cannot write cases: this"),
        (["test-prover", "c.jsonl", "--out", "c.json"], "cannot write c.jsonl: this command reads"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deep").write_text(DEEP)
    Path("latin").write_bytes("print('é')".encode("latin-1"))
    for name in ("folder", "run"):
        Path(name).mkdir()
    Path("run/run.json").write_text(DEEP)
    Path("c").write_text('{"id": 1, "code": "1"}\n')
    Path("c.jsonl").write_text('{"id": 1, "problem": "a >= a"}\n')
    Path("cases").write_text('{"gold": "1", "prediction": "1"}\n')
    before = sorted(tmp_path.rglob("*"))
    assert one(bench.cli.main, arguments, capsys).startswith(f"rstar-bench: {said}")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["table", "--plot", "no/x.svg"], "no folder no to write no/x.svg to; make it"),
        (["table", "--plot", "folder"], "cannot write folder: it is a folder; name a file in it"),
        (["table", "published"], "published/round-1/figures.json is damaged (it is nested too"),
        (["import-official", "--sft", "sft.jsonl", "--out", "."], "cannot write sft.jsonl: this"),
        (["import-official", "--sft", "deep", "--out", "."], "deep: not valid JSON (it is nested"),
        (
            ["import-official", "--sft", "deep", "--out", "deep"],
            "deep: File exists; choose another",
        ),
        (["export-official", "--rows", ".", "--out", "o"], "cannot read the rows pairs.jsonl: No"),
    ],
)
def test_the_trainer_tells_it_alike(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("deep").write_text(DEEP)
    Path("folder").mkdir()
    Path("sft.jsonl").touch()
    Path("published/round-1").mkdir(parents=True)
    Path("published/round-1/figures.json").write_text(DEEP)
    assert one(rstar_train.cli.main, arguments, capsys).startswith(f"rstar-train: {said}")


def test_line_ends_of_unicode_in_a_recording_end_no_line(tmp_path: Path) -> None:
    row = {
        **{"id": "a\u2028b\x85c", "mode": "beam", "question": "", "answer": "", "solutions": []},
        "config": dict.fromkeys(
            ("candidates", "rollouts", "max_depth", "errors_threshold", "c"), 1
        ),
        **{"completions": {}, "scores": {}, "tree": {}},
    }
    file = tmp_path / "recordings.jsonl"
    file.write_text(json.dumps(row, ensure_ascii=False) + "\n")
    assert [each.id for each in read_recordings(file)] == [row["id"]]
