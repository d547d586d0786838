"""`rstar-bench export`: what it writes, and a sentence for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.speed.page import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_run(tmp_path_factory.mktemp("runs") / "one", problems=2, nodes=12)
    header = json.loads((made / "run.json").read_text())
    dated = {**header, "created": "2026-01-31T12:00:00+00:00"}
    (made / "run.json").write_text(json.dumps(dated))
    return made


@pytest.mark.parametrize(("name", "files"), [("eee", 2), ("inspect", 1), ("lm-eval", 2)])
def test_files_are_written_and_named(
    name: str, files: int, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(run), "--to", name, "--out", str(tmp_path / "out")]) == 0
    written = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert len(written) == files
    out = capsys.readouterr().out
    assert all(str(file) in out for file in written)
    assert "2 of 2 questions are not known" in out


@pytest.mark.parametrize(
    ("name", "place", "said"),
    [
        ("every-eval-ever", "out", "unknown format 'every-eval-ever'"),
        ("eee", "file", "it is a file"),
        ("hf", "out", "nothing to write for the hub"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    name: str,
    place: str,
    said: str,
    run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["export", str(run), "--to", name, "--out", str(tmp_path / place)]) == 2
    assert said in capsys.readouterr().err
