"""The on-policy refresh: what is sampled, and one round of it for real."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import find_checkpoint, read_checkpoint
from bench.checkpoints.ppm_config import PPMConfig
from bench.errors import BenchError, UnknownNameError
from bench.files.digests import file_digest
from rstar_train.publishing.tables import (
    REFRESHED,
    load_figures,
    load_scorers,
    round_tables,
    scorers_table,
)
from rstar_train.recipes.recipe import load_recipe
from rstar_train.recipes.settings import PoolSettings, Source
from rstar_train.recipes.tiny import shrink
from rstar_train.rounds.ablation import Ablation
from rstar_train.rounds.evolve import evolve
from rstar_train.rounds.refresh import draw_problems
from rstar_train.rounds.rstar import Handover, Round, stages_of
from rstar_train.rounds.scorers import compare_scorers
from rstar_train.search.pool import load_pool

POOL = PoolSettings(
    (
        Source("embedded-grade-school", 12, ("gcd",)),
        Source("embedded-grade-school", 40, ("gcd",), bootstrap=True),
    ),
    held_out=4,
)


def test_what_the_round_did_not_search_is_sampled_first_and_the_held_out_always() -> None:
    pool = load_pool(POOL, seed=1)
    searched = {p.id for p in pool.searched(2, 10, 1)}
    few = {p.id for p in draw_problems(pool, searched, 5, 1)}
    assert pool.held_out < few
    assert len(few) == 5 + 4
    assert not (few - pool.held_out) & searched
    everything = {p.id for p in draw_problems(pool, searched, 1000, 1)}
    assert everything == {p.id for p in pool.problems}


def test_the_same_problems_are_drawn_again() -> None:
    pool = load_pool(POOL, seed=1)
    assert draw_problems(pool, set(), 5, 1) == draw_problems(pool, set(), 5, 1)
    assert draw_problems(pool, set(), 5, 1) != draw_problems(pool, set(), 5, 2)


def test_a_round_that_is_trained_once_more_writes_beside_itself(tmp_path: Path) -> None:
    recipe = load_recipe("smollm2-dial")
    base = find_checkpoint(recipe.base, "policy")
    one = Round(
        4, recipe, load_pool(POOL, seed=1), base, tmp_path, tmp_path, tmp_path, Handover(base)
    )
    again = replace(one, again=2)
    assert (one.name, again.name) == ("round-4", "round-4-seed-2")
    assert (again.seed, again.recipe.seed) == (2, 1)
    assert again.folder == one.folder
    assert again.trained == tmp_path / "round-4-seed-2" != one.trained


def test_variants_need_a_round_that_was_refreshed(tmp_path: Path) -> None:
    recipe = load_recipe("smollm2-dial")
    with pytest.raises(BenchError, match="holds no solutions of the round's own policy"):
        compare_scorers(recipe, 1, work=tmp_path, publish_in=tmp_path)
    with pytest.raises(UnknownNameError, match="did you mean 'values'"):
        compare_scorers(recipe, 1, work=tmp_path, publish_in=tmp_path, names=["value"])


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
def test_a_round_is_refreshed_measured_and_compared_with_variants_of_its_ppm(
    tmp_path: Path,
) -> None:
    work, published = tmp_path / "w", tmp_path / "p"
    four = shrink(load_recipe("smollm2-dial"))
    recipe = replace(four, rounds=four.rounds[:1], again=())
    evolve(recipe, work=work, publish=published)
    stages = {file.parent.name for file in (work / "round-1").glob("*/stage.json")}
    assert stages >= set(stages_of(recipe.rounds[0]))
    (figures,) = load_figures(published)
    assert figures.worth is not None
    assert figures.worth.headroom.samples == recipe.rounds[0].refresh.samples - 1
    assert PPMConfig.load(published / "round-1" / "ppm").aggregate == figures.worth.aggregate
    found = compare_scorers(
        recipe, 1, work=work, publish_in=published, names=["search", "head-both"]
    )
    assert len(found.variants) == 2
    shown = "\n".join(table.to_text() for table in round_tables([figures]))
    assert "Each PPM on solutions of its own policy" in shown
    (stored,) = load_scorers(published)
    assert "head alone, both" in scorers_table(stored).to_text()
    bias = json.loads(
        (work / "round-1" / "scorers" / "head-both" / "published" / "reward.json").read_text()
    )["bias"]
    assert bias != 0
    base = find_checkpoint(recipe.base, "policy")
    policy = read_checkpoint(published / "round-1" / "policy", "policy")
    # The base, which searched nothing, solves nothing to be sampled: the new policy does.
    pool = load_pool(recipe.pool, seed=recipe.seed)
    ablated = Ablation(recipe, pool, work, published, base, sampler=policy, policy=policy).run()
    # The PPM beside ORM and PQM learnt what they did; the round's own did not.
    assert set(ablated.scorers) == set(ablated.held_out) == {"orm", "pqm", "ppm", REFRESHED}
    assert ablated.scorers[REFRESHED] == figures.evaluation
    lineage = json.loads((published / "ablation" / "ppm" / "ppm" / "lineage.json").read_text())
    pairs = file_digest(work / "round-1" / "rows" / "pairs.jsonl")
    assert pairs in lineage["inputs"].values()
