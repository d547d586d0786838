"""Stages: kept when nothing changed, made again when something did, resumed anywhere."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError
from bench.files.digests import file_digest
from rstar_train.figures import StageFigures
from rstar_train.recipes.recipe import sections_digest
from rstar_train.recipes.settings import AblationSettings
from rstar_train.rounds import journal
from rstar_train.rounds.stages import Stages, manifest_of


@dataclass(frozen=True)
class Times(StageFigures):
    """How often a stage was done."""

    times: int


class Counted:
    """A stage's work that counts how often it was done, and fails when told to."""

    def __init__(self) -> None:
        self.times = 0
        self.broken = False

    def __call__(self) -> Times:
        self.times += 1
        if self.broken:
            raise BenchError("half-way")
        return Times(self.times)


def run(folder: Path, inputs: dict[str, Any], work: Any, **options: Any) -> Times:
    """Run a stage that is called as its folder."""
    journal_file = options.pop("journal", None)
    return Stages(folder.parent, 1, journal_file).run(
        folder.name, Times, work, inputs=inputs, **options
    )


def test_a_stage_is_done_again_where_any_of_its_files_is_gone_or_changed(tmp_path: Path) -> None:
    stage, counted = tmp_path / "stage", Counted()

    def work() -> Times:
        for name in ("config.json", "model-1.safetensors", "model-2.safetensors"):
            (stage / name).write_text(name)
        return counted()

    outputs = ("config.json", "*.safetensors")
    for times in (1, 1):
        assert run(stage, {}, work, outputs=outputs).times == times
    (stage / "model-2.safetensors").unlink()
    assert run(stage, {}, work, outputs=outputs).times == 2
    (stage / "model-1.safetensors").write_text("edited")
    assert run(stage, {}, work, outputs=outputs).times == 3


def test_a_stage_is_done_again_only_when_its_inputs_change(tmp_path: Path) -> None:
    work = Counted()
    inputs = {"recipe": "abc", "files": ("x", "y")}  # a tuple reads back as a list
    first = run(tmp_path / "stage", inputs, work)
    assert run(tmp_path / "stage", inputs, work) == first
    assert (work.times, first.times) == (1, 1)
    assert run(tmp_path / "stage", {**inputs, "recipe": "other"}, work).times == 2
    assert run(tmp_path / "stage", inputs, work).times == 3


def test_a_stage_that_stops_half_way_is_done_again(tmp_path: Path) -> None:
    work = Counted()
    work.broken = True
    with pytest.raises(BenchError, match="half-way"):
        run(tmp_path / "stage", {}, work)
    assert not (tmp_path / "stage" / "stage.json").exists()
    work.broken = False
    assert run(tmp_path / "stage", {}, work).times == 2


def test_a_stage_that_stops_half_way_takes_its_earlier_result_with_it(tmp_path: Path) -> None:
    # The files of the first inputs are half overwritten: they are not "done before" any more.
    work = Counted()
    run(tmp_path, {"recipe": "first"}, work)
    work.broken = True
    with pytest.raises(BenchError):
        run(tmp_path, {"recipe": "second"}, work)
    work.broken = False
    assert run(tmp_path, {"recipe": "first"}, work).times == 3


def test_the_manifest_says_from_what_a_stage_was_made(tmp_path: Path) -> None:
    def work() -> Times:
        (tmp_path / "rows.jsonl").write_text("{}\n")
        return Times(3)

    run(tmp_path, {"data": "abc"}, work, outputs=("rows.jsonl",))
    stored = json.loads((tmp_path / "stage.json").read_text())
    assert (stored["inputs"], stored["figures"]["times"]) == ({"data": "abc"}, 3)
    assert stored["outputs"] == {"rows.jsonl": file_digest(tmp_path / "rows.jsonl")}
    assert {"git", "packages", "finished"} <= set(stored)


@pytest.mark.parametrize("how", ["gone", "changed"])
def test_a_stage_whose_file_is_gone_or_changed_is_done_again(tmp_path: Path, how: str) -> None:
    file, times = tmp_path / "rows.jsonl", Counted()

    def work() -> Times:
        file.write_text("as made")
        return times()

    run(tmp_path, {}, work, outputs=("rows.jsonl",))
    if how == "gone":
        file.unlink()
    else:
        file.write_text("edited")
    assert run(tmp_path, {}, work, outputs=("rows.jsonl",)).times == 2
    assert file.read_text() == "as made"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"inputs": {}}'])
def test_a_damaged_manifest_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stage.json").write_bytes(content)
    assert manifest_of(tmp_path) is None
    assert run(tmp_path, {}, Counted()).times == 1


def test_a_full_disk_is_said_and_leaves_what_ended(tmp_path: Path) -> None:
    first = run(tmp_path / "first", {}, Counted())

    def work() -> Times:
        with Path("/dev/full").open("w") as file:
            file.write("rows")
        return Times(0)

    with pytest.raises(BenchError, match=r"disk is full: .*second.*Stages that ended are intact"):
        run(tmp_path / "second", {}, work)
    assert manifest_of(tmp_path / "second") is None
    again = Counted()
    assert run(tmp_path / "first", {}, again) == first
    assert again.times == 0


def test_a_disk_that_refuses_is_said_in_a_sentence(tmp_path: Path) -> None:
    def work() -> Times:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(BenchError, match=r"Input/output error: .*stage could not be made below"):
        run(tmp_path / "stage", {}, work)


def test_a_manifest_that_cannot_be_read_does_not_have_the_stage_made_again(tmp_path: Path) -> None:
    (tmp_path / "stage" / "stage.json").mkdir(parents=True)
    work = Counted()
    with pytest.raises(IsADirectoryError):
        run(tmp_path / "stage", {}, work)
    assert work.times == 0


def test_a_stage_that_begins_after_a_kill_is_not_lost_with_half_a_line(tmp_path: Path) -> None:
    file = tmp_path / journal.NAME
    file.write_bytes(b'{"stage": "round-1/ppm"')
    run(tmp_path / "round-1" / "rows", {}, Counted(), journal=file)
    assert [entry.event for entry in journal.read_journal(file)] == ["begun", "ended"]


def test_the_journal_says_when_a_stage_began_and_ended(tmp_path: Path) -> None:
    file, folder = tmp_path / journal.NAME, tmp_path / "round-1" / "rows"
    run(folder, {}, Counted(), journal=file)
    run(folder, {}, Counted(), journal=file)  # kept: nothing happens
    entries = [(entry.stage, entry.event) for entry in journal.read_journal(file)]
    assert entries == [("round-1/rows", "begun"), ("round-1/rows", "ended")]
    with file.open("ab") as half:
        half.write(b'{"stage": "round-1/ppm"')
    assert len(journal.read_journal(file)) == 2


def test_the_sections_that_the_work_is_given_decide_it(tmp_path: Path) -> None:
    given: list[AblationSettings] = []

    def work(ablation: AblationSettings) -> Times:
        given.append(ablation)
        return Times(len(given))

    for samples in (4, 4, 8):
        section = {"ablation": AblationSettings(samples)}
        run(tmp_path / "stage", {"data": "abc"}, work, sections=section)
    assert [each.samples for each in given] == [4, 8]
    manifest = manifest_of(tmp_path / "stage")
    assert manifest is not None
    assert manifest["config"] == {"ablation": {"samples": 8}}
    digest = sections_digest(1, {"ablation": AblationSettings(8)})
    assert manifest["inputs"] == {"recipe": digest, "data": "abc"}


def test_figures_that_another_version_wrote_are_made_again(tmp_path: Path) -> None:
    work = Counted()
    run(tmp_path / "stage", {}, work)
    file = tmp_path / "stage" / "stage.json"
    file.write_text(file.read_text().replace('"times"', '"count"'))
    assert run(tmp_path / "stage", {}, work).times == 2
