"""`prove --cases` on ten statements: a row each, and none decided twice after a kill."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bench.cli import main
from tests.cli.ten_statements import TEN

ROOT = Path(__file__).parents[2]


def command(folder: Path, *, jobs: int) -> list[str]:
    """Write the ten as cases; return what decides them."""
    cases = ({"id": name, "statement": given.statement} for name, given in TEN.items())
    (folder / "in.jsonl").write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    files = ["--cases", str(folder / "in.jsonl"), "--out", str(folder / "out.jsonl")]
    return ["prove", *files, "--seconds", "2", "--jobs", str(jobs)]


def read_rows(folder: Path) -> list[dict[str, Any]]:
    file = folder / "out.jsonl"
    raws = file.read_bytes().splitlines(keepends=True) if file.exists() else []
    return [json.loads(raw) for raw in raws if raw.endswith(b"\n")]


def settle(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows by their ids, without what differs from run to run."""
    return {
        row["id"]: {
            **{key: value for key, value in row.items() if key != "seconds"},
            **({"certificate": read_proof(row)} if "certificate" in row else {}),
        }
        for row in rows
    }


def read_proof(row: dict[str, Any]) -> Any:
    return json.loads(Path(row["certificate"]).read_bytes())


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("unbroken")
    assert main(command(folder, jobs=2)) == 0
    return read_rows(folder)


def test_cases_have_a_row_each_with_what_shows_the_verdict(
    unbroken: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {row["id"]: row for row in unbroken}
    assert {name: row["verdict"] for name, row in rows.items()} == {
        name: given.verdict for name, given in TEN.items()
    }
    shows = {
        "proved": {"certificate"},
        "refuted": {"counterexample", "claim"},
        "open": {"reason"},
        "unsupported": {"reason"},
    }
    for row in unbroken:
        assert row.keys() == {"id", "verdict", "seconds", *shows[row["verdict"]]}
        assert 0 <= row["seconds"] < 6
    a, b = map(Fraction, rows["false"]["counterexample"].values())
    assert a > 0 and b > 0 and a + b < 2
    assert re.match(TEN["mistyped"].said, rows["mistyped"]["reason"])
    proofs = [row["certificate"] for row in unbroken if row["verdict"] == "proved"]
    assert main(["verify-proof", *proofs]) == 0
    assert capsys.readouterr().out.count("Proved: ") == len(proofs) == 6


def test_cases_that_were_killed_go_on_and_decide_nothing_twice(
    unbroken: list[dict[str, Any]], tmp_path: Path
) -> None:
    line = [sys.executable, "-m", "bench.cli", *command(tmp_path, jobs=1)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(line, cwd=ROOT, **quiet) as process:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if len(read_rows(tmp_path)) >= 3:
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    before = read_rows(tmp_path)
    assert 3 <= len(before) < 10, "killed too early or too late to test anything"
    again = subprocess.run(line, cwd=ROOT, check=True, capture_output=True, text=True)
    assert f"{len(before)} of 10 were decided before" in again.stderr
    assert f"{10 - len(before)} statements: " in again.stdout
    rows = read_rows(tmp_path)
    assert rows[: len(before)] == before and len(rows) == 10
    assert settle(rows) == settle(unbroken)
