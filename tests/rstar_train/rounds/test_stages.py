"""Stages: kept when nothing changed, made again when something did, resumed anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.files.digests import file_digest
from rstar_train.rounds import journal
from rstar_train.rounds.stages import manifest_of, staged


class Counted:
    """A stage's work that counts how often it was done, and fails when told to."""

    def __init__(self) -> None:
        self.times = 0
        self.broken = False

    def __call__(self) -> Mapping[str, Any]:
        self.times += 1
        if self.broken:
            raise BenchError("half-way")
        return {"times": self.times}


def test_a_stage_is_done_again_only_when_its_inputs_change(tmp_path: Path) -> None:
    work = Counted()
    inputs = {"recipe": "abc", "files": ("x", "y")}  # a tuple reads back as a list
    first = staged(tmp_path / "stage", inputs, work)
    assert staged(tmp_path / "stage", inputs, work) == first
    assert (work.times, first["times"]) == (1, 1)
    assert staged(tmp_path / "stage", {**inputs, "recipe": "other"}, work)["times"] == 2
    assert staged(tmp_path / "stage", inputs, work)["times"] == 3


def test_a_stage_that_stops_half_way_is_done_again(tmp_path: Path) -> None:
    work = Counted()
    work.broken = True
    with pytest.raises(BenchError, match="half-way"):
        staged(tmp_path / "stage", {}, work)
    assert not (tmp_path / "stage" / "stage.json").exists()
    work.broken = False
    assert staged(tmp_path / "stage", {}, work)["times"] == 2


def test_a_stage_that_stops_half_way_takes_its_earlier_result_with_it(tmp_path: Path) -> None:
    # The files of the first inputs are half overwritten: they are not "done before" any more.
    work = Counted()
    staged(tmp_path, {"recipe": "first"}, work)
    work.broken = True
    with pytest.raises(BenchError):
        staged(tmp_path, {"recipe": "second"}, work)
    work.broken = False
    assert staged(tmp_path, {"recipe": "first"}, work)["times"] == 3


def test_the_manifest_says_from_what_a_stage_was_made(tmp_path: Path) -> None:
    def work() -> Mapping[str, Any]:
        (tmp_path / "rows.jsonl").write_text("{}\n")
        return {"rows": 3}

    staged(tmp_path, {"data": "abc"}, work, config={"top": 2}, outputs=("rows.jsonl",))
    stored = json.loads((tmp_path / "stage.json").read_text())
    assert (stored["inputs"], stored["figures"]["rows"]) == ({"data": "abc"}, 3)
    assert stored["config"] == {"top": 2}
    assert stored["outputs"] == {"rows.jsonl": file_digest(tmp_path / "rows.jsonl")}
    assert {"git", "packages", "finished"} <= set(stored)


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_stage_whose_file_is_gone_or_changed_is_done_again(tmp_path: Path, how: str) -> None:
    file, times = tmp_path / "rows.jsonl", Counted()

    def work() -> Mapping[str, Any]:
        file.write_text("as made")
        return times()

    staged(tmp_path, {}, work, outputs=("rows.jsonl",))
    if how == "gone":
        file.unlink()
    else:
        file.write_text("edited")
    assert staged(tmp_path, {}, work, outputs=("rows.jsonl",))["times"] == 2
    assert file.read_text() == "as made"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"inputs": {}}'])
def test_a_damaged_manifest_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stage.json").write_bytes(content)
    assert manifest_of(tmp_path) is None
    assert staged(tmp_path, {}, Counted())["times"] == 1


def test_a_full_disk_is_said_and_leaves_what_ended(tmp_path: Path) -> None:
    first = staged(tmp_path / "first", {}, Counted())

    def work() -> Mapping[str, Any]:
        with Path("/dev/full").open("w") as file:
            file.write("rows")
        return {}

    with pytest.raises(BenchError, match=r"disk is full: .*second.*Stages that ended are intact"):
        staged(tmp_path / "second", {}, work)
    assert manifest_of(tmp_path / "second") is None
    again = Counted()
    assert staged(tmp_path / "first", {}, again) == first
    assert again.times == 0


def test_the_journal_says_when_a_stage_began_and_ended(tmp_path: Path) -> None:
    file, folder = tmp_path / journal.NAME, tmp_path / "round-1" / "rows"
    staged(folder, {}, Counted(), journal=file)
    staged(folder, {}, Counted(), journal=file)  # kept: nothing happens
    entries = [(entry.stage, entry.event) for entry in journal.read(file)]
    assert entries == [("round-1/rows", "begun"), ("round-1/rows", "ended")]
    with file.open("ab") as half:
        half.write(b'{"stage": "round-1/ppm"')
    assert len(journal.read(file)) == 2
