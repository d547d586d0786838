"""`test-prover` as a user types it: figures, an alarm, a resumed attack, mistakes in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from bench.inequalities import deciding
from bench.inequalities.attacks import soundness
from bench.inequalities.deciding import Decision


class Here:
    """Answers in this process, so that a test is fast and can put something else in its place."""

    asked = 0

    def __init__(self, *_: object) -> None:
        """Take what `Processes` takes."""

    def submit(
        self, function: Callable[..., Any], *args: object, timeout: float
    ) -> Future[dict[str, Any]]:
        Here.asked += 1
        future: Future[dict[str, Any]] = Future()
        future.set_result(function(*args))
        return future

    def close(self) -> None:
        """Nothing was started."""


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundness, "Processes", Here)


def run(out: Path, *more: str) -> int:
    counts = ("--false", "4", "--unguarded", "1", "--mutants", "8", "--seconds", "0.5")
    return main(["test-prover", *counts, "--out", str(out), *more])


def test_figures_are_printed_and_stored_and_a_second_run_repeats_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.json"
    assert run(out) == 0
    said = capsys.readouterr().out
    assert "The prover proved 0 of 4 false statements." in said
    assert "It refuted 4 of them exactly, 100.0 % [51.0, 100.0]." in said
    assert "accepted 0 of 6 certificates of false statements, made of 1 proofs." in said
    figures = json.loads(out.read_text())
    assert figures["breaches"] == []
    assert str(tmp_path) not in out.read_text()
    Here.asked = 0
    assert run(out) == 0
    assert (capsys.readouterr().out, Here.asked) == (said, 0)


def test_an_attack_goes_on_after_a_kill(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figures.json"
    run(out)
    said = capsys.readouterr().out
    log = out.with_suffix(".jsonl")
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:4]) + lines[4][:20])
    assert run(out) == 0
    assert capsys.readouterr().out == said
    again = log.read_bytes().splitlines(keepends=True)
    assert sorted(map(outcome, again)) == sorted(map(outcome, lines))


def outcome(line: bytes) -> str:
    return json.dumps({**json.loads(line), "seconds": 0})


def test_a_prover_that_proves_what_is_false_fails_the_command_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def decide(statement: object, seconds: float) -> Decision:
        return Decision("proved", 0.0, certificate={"statement": {}, "proofs": []})

    monkeypatch.setattr(soundness, "decide_statement", decide)
    monkeypatch.setattr(soundness, "attack_certificate", lambda *_: {"seconds": 0, "mutants": []})
    assert run(tmp_path / "figures.json") == 1
    assert "UNSOUND: 4 FALSE STATEMENTS WERE PROVED: guarded " in capsys.readouterr().out


def test_a_checker_that_believes_everything_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (soundness, deciding):
        monkeypatch.setattr(module, "check_proof", lambda certificate: None)
    out = tmp_path / "figures.json"
    assert run(out) == 1
    assert "UNSOUND: 6 FALSE STATEMENTS WERE PROVED: mutants " in capsys.readouterr().out
    breach = json.loads(out.read_text())["breaches"][0]
    assert breach["point"] and breach["certificate"]["proofs"]


def test_another_plan_does_not_go_on_with_a_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "figures.json"
    run(out)
    capsys.readouterr()
    assert run(out, "--seed", "2") == 2
    assert "other statements, numbers or seed; choose another --out" in capsys.readouterr().err


def test_statements_are_read_from_files_and_those_that_cannot_be_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "some.jsonl"
    rows = [{"id": "two", "problem": "a + 1/a >= 2 with a > 0"}, {"id": "no", "problem": "a >"}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "figures.json"
    assert run(out, str(file)) == 0
    assert json.loads(out.read_text())["files"] == [
        {"file": "some.jsonl", "statements": 2, "not read": 1}
    ]
    file.write_text('{"id": 1}\n')
    assert run(tmp_path / "other.json", str(file)) == 2
    assert "line 1: expected an object with `id` and `problem`" in capsys.readouterr().err
    assert run(out, str(tmp_path / "none.jsonl")) == 2
    assert "there is no file" in capsys.readouterr().err
