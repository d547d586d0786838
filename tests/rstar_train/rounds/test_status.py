"""Where a run is: stages that ended, the one that runs, what is left, and coverage by tier."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.errors import BenchError, RunDirError
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.runs.writer import RunDir
from bench.types import Outcome
from rstar_train.cli import main
from rstar_train.figures import StageFigures
from rstar_train.recipes.recipe import load_recipe
from rstar_train.rounds import journal
from rstar_train.rounds.rstar import stages_of
from rstar_train.rounds.stages import Stages
from rstar_train.rounds.status import StageStatus, render, require_run, stage_statuses
from rstar_train.search.coverage import coverage

RECIPE = load_recipe("smollm2-cpu")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
POOL = [["a", "low", "gcd"], ["b", "low", "lcm"], ["c", "high", "dice"], ["d", "high", "dice"]]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    rows = [[*row, False] for row in POOL]
    (tmp_path / "pool.json").write_text(json.dumps({"problems": rows}))
    return tmp_path


def ended(work: Path, name: str, seconds: float) -> None:
    folder = work / name
    Stages(folder.parent, 1).run(folder.name, StageFigures, StageFigures, inputs={})
    manifest = json.loads((work / name / "stage.json").read_text())
    manifest["figures"]["stage_seconds"] = seconds
    (work / name / "stage.json").write_text(json.dumps(manifest))


def told(
    work: Path, stage: str, event: str, after: float, *, done: int = 0, total: int = 0
) -> None:
    at = (BEGAN + timedelta(seconds=after)).isoformat()
    row = {"stage": stage, "event": event, "at": at, "done": done, "total": total}
    with (work / journal.NAME).open("a") as file:
        file.write(json.dumps(row) + "\n")


def status(work: Path, name: str, after: float = 0.0) -> StageStatus:
    stages = stage_statuses(RECIPE, work, now=BEGAN + timedelta(seconds=after))
    return next(stage for stage in stages if stage.name == name)


def searched(work: Path, number: int, outcomes: Mapping[str, Outcome]) -> None:
    folder = work / f"round-{number}" / "search" / "trees"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with RunDir.open(folder, {"config": {"round": number}}) as run:
        for index, (name, outcome) in enumerate(outcomes.items()):
            sample = Sample("1", outcome, None, (), 1, "")
            chosen = {"first": Selected("1", outcome, 0)}
            record = Record(name, 1, "b", "1", "mcts", (sample,), chosen, Tokens(), 0)
            run.append(record, {}, {"total": 1.0}, index)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="holds no run of rstar-train evolve"):
        require_run(tmp_path)
    assert main(["status", "--recipe", "smollm2-cpu", "--work", str(tmp_path)]) == 2


def test_every_stage_of_every_round_is_there_and_none_has_begun(work: Path) -> None:
    stages = stage_statuses(RECIPE, work)
    assert len(stages) == 1 + sum(len(stages_of(each)) for each in RECIPE.rounds)
    assert len(stages_of(RECIPE.rounds[0])) < len(stages_of(load_recipe("smollm2-dial").rounds[0]))
    assert {(stage.share, stage.seconds, stage.left) for stage in stages} == {(0.0, None, None)}


def test_an_ended_stage_says_how_long_it_took(work: Path) -> None:
    ended(work, "round-1/rows", 12.5)
    assert status(work, "round-1/rows") == StageStatus("round-1/rows", 1.0, 12.5, 0.0)


def test_a_running_search_is_extrapolated_from_its_own_pace(work: Path) -> None:
    told(work, "round-2/search", "begun", 0)
    told(work, "round-2/search", "progress", 10, done=40, total=100)  # 40 from before a kill
    told(work, "round-2/search", "progress", 40, done=60, total=100)
    found = status(work, "round-2/search", after=45)
    assert (found.share, found.detail) == (0.6, "60 of 100 problems")
    assert found.left == pytest.approx(60)  # 40 more at 20 in 30 s


def test_the_second_tree_of_a_search_has_a_pace_of_its_own(work: Path) -> None:
    told(work, "round-4/search", "begun", 0)
    told(work, "round-4/search", "progress", 0, done=0, total=100)
    told(work, "round-4/search", "progress", 90, done=100, total=100)
    told(work, "round-4/search", "progress", 90, done=0, total=20)
    told(work, "round-4/search", "progress", 190, done=10, total=20)
    assert status(work, "round-4/search", after=190).left == pytest.approx(100)


def test_only_what_follows_the_last_start_counts(work: Path) -> None:
    told(work, "round-2/search", "begun", 0)
    told(work, "round-2/search", "progress", 10, done=50, total=100)
    told(work, "round-2/search", "begun", 5000)
    told(work, "round-2/search", "progress", 5000, done=50, total=100)
    told(work, "round-2/search", "progress", 5050, done=75, total=100)
    assert status(work, "round-2/search", after=5050).left == pytest.approx(50)


def test_what_lies_behind_the_running_stage_is_an_earlier_attempts(work: Path) -> None:
    ended(work, "round-1/pair_accuracy", 17.0)
    told(work, "round-1/pair_accuracy", "ended", 0)
    told(work, "round-1/evaluation", "begun", 1)
    told(work, "round-1/ppm", "begun", 100)  # its rows were made anew
    made = status(work, "round-1/pair_accuracy", after=150)
    assert (made.share, made.left) == (0.0, 17.0)
    assert made.detail.startswith("done in an earlier attempt; kept if")
    stopped = status(work, "round-1/evaluation", after=150)
    assert stopped.detail.startswith("begun in an earlier attempt")
    assert status(work, "round-1/ppm", after=150).detail == "running for 50 s"


def test_a_search_that_fell_silent_may_have_been_killed(work: Path) -> None:
    told(work, "round-2/search", "begun", 0)
    told(work, "round-2/search", "progress", 10, done=50, total=100)
    assert "repeat the command" in status(work, "round-2/search", after=5000).detail


def test_a_training_is_as_far_as_its_epochs(work: Path) -> None:
    told(work, "round-1/policy", "begun", 0)
    folder = work / "round-1" / "policy"
    folder.mkdir(parents=True)
    (folder / "loss.jsonl").write_text('{"step": 1, "epoch": 0.125}\n{"step": 2, "epoch": 0.25}\n')
    found = status(work, "round-1/policy", after=100)
    assert (found.share, found.left, found.detail) == (0.25, 300, "25 % trained")


def test_what_is_to_come_takes_what_it_took_in_the_round_before(work: Path) -> None:
    ended(work, "base/evaluation", 7.0)
    ended(work, "round-1/policy", 100.0)
    ended(work, "round-1/search", 10.0)
    assert status(work, "round-2/policy").left == 100
    assert status(work, "round-4/policy").left == 100
    # A demonstrator's pace says nothing about a model's, nor a model's alone about one with a PPM.
    assert status(work, "round-2/search").left is None
    ended(work, "round-2/search", 50.0)
    assert status(work, "round-3/search").left is None
    ended(work, "round-3/search", 80.0)
    assert status(work, "round-4/search").left == 80
    # The base model has no PPM: its evaluation is a shorter one.
    assert status(work, "round-1/evaluation").left is None


def test_coverage_counts_the_whole_pool_by_tier_and_family(work: Path) -> None:
    searched(work, 1, {"a": Outcome.CORRECT, "b": Outcome.WRONG})
    searched(work, 2, {"b": Outcome.CORRECT, "c": Outcome.CORRECT, "a": Outcome.WRONG})
    one, two = coverage(work, 1), coverage(work, 2)
    assert (one["all"].percent, one["low"].percent, one["high"].solved) == (25, 50, 0)
    assert (two["all"].solved, two["all"].ever) == (2, 3)
    assert two["high/dice"].percent == 50
    with pytest.raises(RunDirError):
        coverage(work, 3)


def test_the_status_of_a_run_is_one_page(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended(work, "base/evaluation", 30.0)
    ended(work, "round-1/search", 100.0)
    searched(work, 1, {"a": Outcome.CORRECT, "b": Outcome.WRONG})
    told(work, "round-1/rows", "begun", 0)
    assert main(["status", "--recipe", "smollm2-cpu", "--work", str(work)]) == 0
    page = capsys.readouterr().out
    assert "at round-1/rows, 2 of 29 stages done" in page
    assert "round-1/held_out_rows" in page
    assert "round-1/search           done in 2 min" in page
    assert "1         50.0 (50.0)  0.0 (0.0)  25.0 (25.0)" in page


def test_a_finished_run_says_how_long_it_took(work: Path) -> None:
    short = replace(RECIPE, rounds=RECIPE.rounds[:1])
    for name in ("base/evaluation", *(f"round-1/{stage}" for stage in stages_of(RECIPE.rounds[0]))):
        ended(work, name, 600.0)
    assert "all 8 stages are done, in 80 min" in render(short, work)
