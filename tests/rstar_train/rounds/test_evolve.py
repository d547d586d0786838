"""Four rounds end to end, for real, killed once on the way: minutes, so a slow test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError
from rstar_train.cli import main
from rstar_train.recipes.recipe import RECIPES, load_recipe
from rstar_train.recipes.tiny import shrink
from rstar_train.rounds.ablation import ablate
from rstar_train.rounds.evolve import evolve
from rstar_train.rounds.rstar import stages_of

SHIPPED = sorted(path.stem for path in RECIPES.glob("*.yaml"))
STAGES = stages_of(load_recipe("smollm2-cpu").rounds[0])
MINUTES = 60
ROUNDS = 4


@pytest.mark.parametrize("name", SHIPPED)
def test_a_tiny_recipe_keeps_what_its_rounds_are(name: str) -> None:
    recipe = load_recipe(name)
    small = shrink(recipe)
    assert small.name == f"{name}-tiny"
    assert sum(source.problems for source in small.pool.sources) <= 52
    assert 0 < small.pool.held_out <= 3
    assert len(small.rounds) == len(recipe.rounds)
    kept: tuple[str, ...] = ("policy", "annotation", "trees")
    for one, whole in zip(small.rounds, recipe.rounds, strict=True):
        if recipe.system == "cpl":
            plans = (*kept, "solutions", "plan_depth", "root_children")
            assert all(getattr(one.search, k) == getattr(whole.search, k) for k in plans)
            assert one.search.iterations <= 12
            continue
        kept = ("policy", "annotation", "trees", "rules")
        assert all(getattr(one.search, k) == getattr(whole.search, k) for k in kept)
        assert bool(one.search.unsolved_rollouts) == bool(whole.search.unsolved_rollouts)
        assert one.search.rollouts <= 4


@pytest.mark.parametrize("rounds", [5, 0, -1])
def test_a_recipe_has_no_more_rounds_than_it_lists_and_none_is_no_round(
    tmp_path: Path, rounds: int
) -> None:
    wanted = f"{rounds} rounds were asked for, and the recipe .* has 4; give a number from 1"
    with pytest.raises(BenchError, match=wanted):
        evolve(load_recipe("smollm2-cpu"), rounds=rounds, work=tmp_path, publish=tmp_path)


def test_levels_that_a_later_round_misspells_are_found_before_any_work(tmp_path: Path) -> None:
    recipe = load_recipe("smollm2-cpu")
    last = replace(recipe.rounds[3], search=replace(recipe.rounds[3].search, levels=("Level 9",)))
    recipe = replace(recipe, rounds=(*recipe.rounds[:3], last))
    with pytest.raises(BenchError, match="unknown level of search.levels 'Level 9'"):
        evolve(recipe, work=tmp_path / "work", publish=tmp_path / "out")
    assert not (tmp_path / "work").exists()


def test_a_searcher_that_is_not_there_is_found_before_any_work(tmp_path: Path) -> None:
    recipe = load_recipe("smollm2-cpu")
    last = replace(recipe.rounds[3], search=replace(recipe.rounds[3].search, policy="smollm3"))
    recipe = replace(recipe, rounds=(*recipe.rounds[:3], last))
    with pytest.raises(BenchError, match="unknown policy 'smollm3'"):
        evolve(recipe, work=tmp_path / "work", publish=tmp_path / "out")
    assert not (tmp_path / "work").exists()


def test_an_engine_that_is_not_there_is_found_before_any_work(tmp_path: Path) -> None:
    recipe = load_recipe("smollm2-cpu")
    rounds = (replace(r, search=replace(r.search, engine="openvine")) for r in recipe.rounds)
    recipe = replace(recipe, rounds=tuple(rounds))
    with pytest.raises(BenchError, match="unknown engine 'openvine'; did you mean 'openvino'"):
        evolve(recipe, work=tmp_path / "work", publish=tmp_path / "out")
    assert not (tmp_path / "work").exists()


def test_a_dry_run_says_what_would_be_run_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["evolve", "--recipe", "smollm2-cpu", "--rounds", "2", "--work", "work", "--dry-run"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "2 of 4 rounds from smollm2, on a pool of " in said
    assert "base/evaluation" in said and "not begun and" in said
    assert list(tmp_path.iterdir()) == []
    assert main([*asked[:-1], "--rounds", "9", "--dry-run"]) == 2
    assert "9 rounds were asked for" in capsys.readouterr().err


def test_ablations_need_a_finished_last_round(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="round-4 holds no finished round; run rstar-train evolve"):
        ablate(load_recipe("smollm2-cpu"), work=tmp_path, publish=tmp_path)


def started(work: Path, verb: str = "evolve") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "rstar_train.cli", verb, "--recipe", "smollm2-cpu"]
    with (work.parent / "log").open("ab") as log:
        return subprocess.Popen(
            [*command, "--tiny", "--work", str(work)],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def ended(work: Path, number: int) -> dict[str, str]:
    """When each stage of a round that has ended did so."""
    manifests = {stage: work / f"round-{number}" / stage / "stage.json" for stage in STAGES}
    return {
        stage: json.loads(file.read_text())["finished"]
        for stage, file in manifests.items()
        if file.is_file()
    }


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
def test_four_rounds_run_end_to_end_killed_and_resumed(tmp_path: Path) -> None:
    work = tmp_path / "work"
    records = work / "round-2" / "search" / "trees" / "records.jsonl"
    process = started(work)
    try:
        until = time.monotonic() + MINUTES * 60
        while not (records.is_file() and records.read_bytes().count(b"\n") >= 2):
            assert process.poll() is None, (tmp_path / "log").read_text()[-3000:]
            assert time.monotonic() < until, "the second search never began"
            time.sleep(0.2)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    before, first = records.read_bytes(), ended(work, 1)
    assert set(first) == set(STAGES)
    assert "search" not in ended(work, 2)

    again = started(work)
    assert again.wait(timeout=MINUTES * 60) == 0, (tmp_path / "log").read_text()[-3000:]
    assert ended(work, 1) == first  # nothing of round 1 was done again
    whole = before[: before.rfind(b"\n") + 1]
    assert records.read_bytes().startswith(whole)  # nor what round 2 had searched
    published = work / "checkpoints" / "smollm2-135m"
    for number in range(1, ROUNDS + 1):
        folder = published / f"round-{number}"
        figures = json.loads((folder / "figures.json").read_text())
        # Three held-out problems may well give no pair, and then there is nothing to order.
        has_pairs = figures["held_out_rows"]["pairs"] > 0
        assert set(ended(work, number)) == set(STAGES)
        assert set(figures["evaluation"]) >= {"greedy", "majority", "best_of_n", "mcts"}
        assert figures["coverage"]["all"]["problems"] == 16
        assert (folder / "calibration.svg").is_file() == has_pairs
        for kind, parent in (("policy", "smollm2"), ("ppm", "../policy")):
            lineage = json.loads((folder / kind / "lineage.json").read_text())
            assert (lineage["kind"], lineage["parent"]) == (kind, parent)
            assert (folder / kind / "README.md").read_text().startswith("# smollm2-r")
    searchers = [
        json.loads((published / f"round-{k}" / "policy" / "lineage.json").read_text())["searcher"]
        for k in range(1, ROUNDS + 1)
    ]
    assert set(searchers[0]) == {"demonstrator"}
    assert [set(each) for each in searchers[1:]] == [
        {"policy"},
        {"policy", "ppm"},
        {"policy", "ppm"},
    ]
    assert [each["policy"]["name"] for each in searchers[1:]] == [
        f"smollm2-r{k}" for k in (1, 2, 3)
    ]

    ablations = started(work, "ablate")
    assert ablations.wait(timeout=MINUTES * 60) == 0, (tmp_path / "log").read_text()[-3000:]
    found = json.loads((published / "ablation.json").read_text())
    assert set(found["scorers"]) == {"orm", "pqm", "ppm"}
    assert set(found["data"]) == {"random", "rejection", "verified"}
    assert set(found["held_out"]) == {"orm", "pqm", "ppm"}
    table = subprocess.check_output(
        [sys.executable, "-m", "rstar_train.cli", "table", str(published)], text=True
    )
    assert "Coverage of the pool" in table
    assert "Ablations of round 4" in table
