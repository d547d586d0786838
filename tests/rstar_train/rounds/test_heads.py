"""A head fitted to stored runs of a policy, and what it costs to score with it."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import EMBEDDED, find_checkpoint, published_checkpoints
from bench.checkpoints.ppm_config import PPMConfig
from bench.errors import BenchError
from bench.evaluation.harness import Harness
from bench.evaluation.spec import RunSpec
from bench.runs.reader import load_run
from bench.search.settings import MCTS, Sampling
from rstar_train.rounds.heads import fit_head_on

pytestmark = pytest.mark.skipif(
    find_spec("openvino_genai") is None or not published_checkpoints("policy"),
    reason="needs openvino-genai and a published policy: pip install 'rstar-bench[cpu]'",
)


def test_a_policy_of_other_prompts_is_refused(tmp_path: Path) -> None:
    embedded = find_checkpoint(EMBEDDED, "policy")
    with pytest.raises(BenchError, match="choose a policy of rstar-train"):
        fit_head_on(embedded, [tmp_path], tmp_path / "head", samples=None, seed=0)


@pytest.mark.slow
async def test_a_head_is_fitted_measured_and_read_from_the_steps_of_a_search(
    tmp_path: Path,
) -> None:
    name = [*published_checkpoints("policy")][-1]
    policy = find_checkpoint(name, "policy")
    spec = RunSpec(
        "embedded-grade-school", name, "sample", Sampling(n=8), limit=24, engine="invariant"
    )
    head, searched = tmp_path / "head", tmp_path / "searched"
    async with Harness() as harness:
        await harness.run(spec, tmp_path / "learnt")
        await harness.run(replace(spec, benchmark="embedded-dial"), tmp_path / "samples")
        with pytest.raises(BenchError, match="measure a head on other problems"):
            learnt = tmp_path / "learnt"
            fit_head_on(policy, [learnt], head, samples=learnt, seed=0)
        found = fit_head_on(
            policy, [tmp_path / "learnt"], head, samples=tmp_path / "samples", seed=0
        )
        assert found.rows.mixed and found.training.loss_last < found.training.loss_first
        assert found.worth is not None
        config = PPMConfig.load(head)
        assert config.head_only and config.aggregate == found.worth.aggregate
        scored = replace(
            spec,
            search="mcts",
            config=MCTS(rollouts=2, candidates=2),
            ppm=str(head),
            ppm_engine="invariant",
            limit=3,
        )
        await harness.run(scored, searched)
    assert len(load_run(searched).records) == 3
    about = json.loads((searched / "run.json").read_text())
    assert about["scorer"]["backbone"] == "the policy's"
