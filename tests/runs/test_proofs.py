"""Archives of proofs, collected from a real run and checked again."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bench.cli import main
from bench.errors import DataError
from bench.runs.proofs import collect_proofs, read_proofs

RUN = ["run", "--benchmark", "embedded-inequalities", "--search", "closers", "--cpu-seconds", "5"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    assert main([*RUN, "--limit", "6", "--out", str(out)]) == 0
    return out


def test_an_archive_of_a_run_is_checked_by_the_checker_alone(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["collect-proofs", str(run), "--out", str(tmp_path)]) == 0
    archive = tmp_path / "embedded-inequalities.jsonl.gz"
    count = len(list(read_proofs(archive)))
    assert 0 < count < 6, "what was refuted has no proof"
    assert f"{archive}: {count} proofs" in capsys.readouterr().out
    assert main(["verify-proof", str(archive)]) == 0
    assert f"{count} of {count} are proofs" in capsys.readouterr().out


def test_one_proof_of_an_archive_is_told_and_a_name_mistyped_is_said(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect_proofs([run], tmp_path)
    archive = tmp_path / "embedded-inequalities.jsonl.gz"
    name = next(name for name, _ in read_proofs(archive))
    assert main(["verify-proof", str(archive), "--problem", name, "--explain"]) == 0
    assert "**Theorem.**" in capsys.readouterr().out
    assert main(["verify-proof", str(archive), "--problem", f"{name}x"]) == 2
    assert f"did you mean '{name}'" in capsys.readouterr().err
    assert main(["verify-proof", str(archive), "--explain"]) == 2
    assert "give one CERT.json, or --problem ID" in capsys.readouterr().err


def test_collecting_again_changes_no_byte(run: Path, tmp_path: Path) -> None:
    collect_proofs([run], tmp_path)
    archive = tmp_path / "embedded-inequalities.jsonl.gz"
    before = archive.read_bytes()
    collect_proofs([run, run], tmp_path)
    assert archive.read_bytes() == before


def test_a_changed_proof_in_an_archive_is_named(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect_proofs([run], tmp_path)
    archive = tmp_path / "embedded-inequalities.jsonl.gz"
    rows = [json.loads(line) for line in gzip.decompress(archive.read_bytes()).splitlines()]
    rows[0]["certificate"]["proofs"][0].pop()
    archive.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    assert main(["verify-proof", str(archive)]) == 1
    assert f"{rows[0]['id']}: no proof: claim 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"{}", "is not a whole gzip file"), (gzip.compress(b"[1]\n"), "line 1: expected an object")],
)
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, content: bytes, fault: str) -> None:
    file = tmp_path / "x.jsonl.gz"
    file.write_bytes(content)
    with pytest.raises(DataError, match=fault):
        list(read_proofs(file))
