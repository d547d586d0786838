"""Whatever became of a run's files, it is told in a sentence, set aside, or passed over."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path

import pytest

import bench.cli
from bench.runs.reader import load_run
from bench.runs.writer import RunDir
from tests.cli.test_cli import config, stored_run
from tests.files.test_lines import DAMAGE

WRONG = {
    "a number": b"7",
    "no record": b'{"problem_id": 7}',
    "a score that is no float": b"9" * 400,
}


@pytest.mark.parametrize("line", [*DAMAGE.values(), *WRONG.values()], ids=[*DAMAGE, *WRONG])
def test_a_record_damaged_in_any_way_is_set_aside_and_run_again(
    tmp_path: Path, line: bytes
) -> None:
    path = stored_run(tmp_path / "run")
    file = path / "records.jsonl"
    first, second = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join((line, second, b"")))
    with RunDir.open(path, {"config": config()}) as run:
        assert [key.problem_id for key in run.done] == ["p1"]
    assert (path / "records.rejected.jsonl").read_bytes() == line + b"\n"
    assert file.read_bytes() == second + b"\n"


@pytest.mark.parametrize(
    "seconds", ["7", '{"total": "long"}', '{"code": [1, null]}', '{"total": true}']
)
def test_seconds_of_a_wrong_type_are_passed_over(
    tmp_path: Path, seconds: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = stored_run(tmp_path / "run")
    (path / "timings.jsonl").write_text(f'{{"problem_id":"p0","seed":0,"seconds":{seconds}}}\n')
    with caplog.at_level(logging.WARNING):
        assert load_run(path).seconds == {}
    assert "timings.jsonl, line 1 is unreadable" in caplog.text


@pytest.mark.parametrize("text", [b"[" * 100_000, b"\xff", b"[]", json.dumps({"seed": 1}).encode()])
def test_a_tree_that_is_none_is_passed_over(
    tmp_path: Path, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = stored_run(tmp_path / "run")
    (shard,) = (path / "trees").iterdir()
    shard.write_bytes(gzip.compress(text) + shard.read_bytes())
    assert [tree.problem_id for tree in load_run(path).trees()] == ["p0", "p1"]
    assert "no tree ends at byte" in caplog.text


@pytest.mark.parametrize("name", ["run.json", "records.jsonl", "timings.jsonl"])
def test_a_folder_in_the_place_of_a_file_is_told(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = stored_run(tmp_path / "run")
    (path / name).unlink()
    (path / name).mkdir()
    assert bench.cli.main(["report", str(path)]) == 2
    told = capsys.readouterr().err
    assert f"{name}: Is a directory" in told
    assert told.count("\n") == 1
