"""A head fitted to what a policy finds, and what it costs to score with it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.checkpoint import EMBEDDED, find_checkpoint, published_checkpoints
from bench.checkpoints.ppm_config import PPMConfig
from bench.errors import BenchError
from bench.evaluation.harness import Harness
from bench.evaluation.spec import RunSpec
from bench.runs.reader import load_run
from bench.search import MCTS
from rstar_train.recipes.recipe import load_recipe
from rstar_train.recipes.settings import PoolSettings, Source
from rstar_train.rounds.heads import fit_head_on

pytestmark = pytest.mark.skipif(
    find_spec("openvino_genai") is None or not published_checkpoints("policy"),
    reason="needs openvino-genai and a published policy: pip install 'rstar-bench[cpu]'",
)


@pytest.mark.parametrize(
    ("recipe", "policy", "words"),
    [
        ("smollm2-dial", EMBEDDED, "choose a policy of rstar-train"),
        ("cpl-smollm2", "smollm2-r4", "a head is fitted to steps"),
    ],
)
def test_a_policy_or_a_recipe_of_other_prompts_is_refused(
    recipe: str, policy: str, words: str, tmp_path: Path
) -> None:
    loaded: Any = load_recipe(recipe)
    with pytest.raises(BenchError, match=words):
        fit_head_on(
            find_checkpoint(policy, "policy"),
            loaded,
            problems=4,
            samples=2,
            work=tmp_path,
            out=tmp_path / "head",
        )


@pytest.mark.slow
@pytest.mark.usefixtures("own_cache")
def test_a_head_is_fitted_measured_and_read_from_the_steps_of_a_search(tmp_path: Path) -> None:
    names = [name for name in published_checkpoints("policy") if "dial" in name]
    policy, recipe = find_checkpoint(names[-1], "policy"), load_recipe("smollm2-dial")
    recipe = replace(recipe, pool=PoolSettings((Source("embedded-arithmetic", 40),), held_out=12))
    head, searched = tmp_path / "head", tmp_path / "searched"
    found = fit_head_on(policy, recipe, problems=24, samples=6, work=tmp_path / "work", out=head)
    assert found.rows.mixed and found.training.loss_last < found.training.loss_first
    assert "a head on the policy's own states" in (head / "README.md").read_text()
    config = PPMConfig.load(head)
    assert config.head_only and config.aggregate == found.worth.aggregate
    spec = RunSpec(
        "embedded-dial",
        names[-1],
        "mcts",
        MCTS(rollouts=2, candidates=2),
        ppm=str(head),
        engine="invariant",
        limit=3,
    )

    async def search() -> None:
        async with Harness() as harness:
            await harness.run(spec, searched)

    asyncio.run(search())
    assert len(load_run(searched).records) == 3
    about = json.loads((searched / "run.json").read_text())
    assert about["scorer"]["backbone"] == "the policy's"
