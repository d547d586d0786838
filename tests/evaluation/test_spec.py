"""What a specification resolves to where the user leaves a choice open."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec

import pytest

from bench.checkpoints.checkpoint import EMBEDDED, find_checkpoint, published_checkpoints
from bench.engines.policy import SamplingSettings
from bench.errors import BenchError, UnknownNameError
from bench.evaluation.spec import RunSpec, digest_problems, resolve, row_of
from bench.problems import BENCHMARKS, mirror
from bench.problems.errata import errata
from bench.runs.header import config_digest
from bench.types import Problem, Verifier


@pytest.mark.parametrize(
    ("policy", "given", "temperature"),
    [("smollm2", None, 0.7), ("smollm2-r1", None, 1.0), ("smollm2", 0.3, 0.3)],
    ids=["untrained", "trained", "the user's"],
)
def test_samples_are_drawn_as_the_prompt_template_says_unless_the_user_does(
    policy: str, given: float | None, temperature: float
) -> None:
    if policy not in {EMBEDDED, *published_checkpoints("policy")}:
        pytest.skip(f"{policy} is not published here")
    sampling = SamplingSettings(temperature=given)
    spec = RunSpec("embedded-grade-school", policy, "majority", limit=1, sampling=sampling)
    resolved = resolve(spec)
    assert resolved.config["policy"]["temperature"] == temperature


def test_corrected_references_are_listed_in_the_configuration_and_can_be_left_alone() -> None:
    name = "omni_math_rule"
    if mirror.locate(BENCHMARKS[name]) is None:
        pytest.skip("no mirror: RSTAR_BENCH_DATA is not set and ../shared/data does not exist")
    by_default, published = (
        resolve(RunSpec(name, "smollm2", "greedy", **choice)).config["benchmark"]
        for choice in ({}, {"errata": False})
    )
    assert sorted(by_default["errata"]) == sorted(erratum.id for erratum in errata(name))
    assert published["errata"] == "off"
    assert by_default["sha256"] != published["sha256"]  # no run resumes under other references


def test_a_search_goes_by_the_ppm_of_its_policys_round_unless_the_user_names_one() -> None:
    policies = published_checkpoints("policy")
    rounds = [
        name
        for name in published_checkpoints("ppm")
        if name in policies and find_checkpoint(name, "policy").template != "plans"
    ]
    if len(rounds) < 2:
        pytest.skip("fewer than two rounds are published here")
    first, newest = rounds[0], rounds[-1]
    found = [
        resolve(RunSpec("embedded-grade-school", first, "best_of_n", ppm=given, limit=1)).ppm
        for given in (None, newest)
    ]
    assert [ppm.name for ppm in found if ppm is not None] == [first, newest]


def test_the_digest_of_problems_is_that_of_all_their_rows_in_one_text() -> None:
    """Runs that were begun are bound to it."""
    odd = 'a "quote", a \\ and \u2028, π, \ud800'
    problems = [
        Problem("a", odd, "1", "made", alternatives=("2", odd)),
        Problem(odd, "?", "", "made", verifier=Verifier("countdown", {"numbers": [1, 2]})),
    ]
    for some in (problems, problems[:1], []):
        whole = config_digest({"rows": json.dumps([row_of(problem) for problem in some])})
        assert digest_problems(some) == whole


def test_a_served_policy_is_not_looked_for_here() -> None:
    pytest.importorskip("httpx")
    spec = RunSpec("embedded-grade-school", "organisation/nowhere", "greedy", engine="server")
    config = resolve(spec).config
    assert (config["engine"], config["policy"]["name"]) == ("server", "organisation/nowhere")
    assert config["policy"]["template"] == "few-shot"
    with pytest.raises(BenchError, match="--engine server needs --policy NAME"):
        resolve(RunSpec("embedded-grade-school", None, "greedy", engine="server"))


def test_scores_of_another_engine_or_of_shared_passes_are_another_configuration() -> None:
    pytest.importorskip("httpx")
    pytest.importorskip("transformers")
    if not published_checkpoints("ppm"):
        pytest.skip("no PPM is published here")
    usual = RunSpec("embedded-grade-school", "smollm2", "best_of_n", limit=1)
    config, shared, served = (
        resolve(replace(usual, **changes)).config["ppm"]
        for changes in (
            {"ppm_engine": "transformers"},
            {"batch_scores": True},
            {"ppm_engine": "server"},
        )
    )
    assert config.keys() == {"name", "digest"}  # as before there was a choice
    assert shared == {**config, "batched": True}
    assert served == {**config, "engine": "server"}
    chosen = "invariant" if find_spec("openvino_genai") else None
    assert resolve(usual).config["ppm"].get("engine") == chosen
    with pytest.raises(BenchError, match="--batch-scores is for --ppm-engine transformers"):
        resolve(replace(usual, ppm_engine="server", batch_scores=True))
    with pytest.raises(UnknownNameError, match="unknown PPM engine 'vlm'; did you mean 'vllm'"):
        resolve(replace(usual, search="greedy", ppm_engine="vlm"))
