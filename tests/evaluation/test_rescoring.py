"""A stored run under another PPM: the same answers, other scores, another choice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bench.engines.ppm import PPMScorer
from bench.evaluation.rescoring import rescore
from bench.evaluation.runner import run_problems
from bench.prompts import OFFICIAL, START
from bench.runs.header import make_header
from bench.runs.reader import load_run
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import Sampling, sample, select_majority
from tests.scripted import ScriptedPolicy, problem


def scorer(values: dict[str, float], aggregate: str = "last") -> PPMScorer:
    """Return what `rescore` asks of a scorer, which looks its values up."""

    def look_up(prompt: str, paths: Sequence[Sequence[str]]) -> list[list[float]]:
        assert prompt == OFFICIAL.render(problem().question, START)
        return [
            [next((v for part, v in values.items() if part in step), 0.0) for step in path]
            for path in paths
        ]

    stub = SimpleNamespace(name="other", aggregate=aggregate, template=OFFICIAL, values=look_up)
    return cast(PPMScorer, stub)


def write(text: str, index: int) -> str:
    if "<end_of_output>" in text:
        printed = text.split("<output>")[1].split("<end_of_output>")[0]
        return f"<answer>\\boxed{{{printed}}}<end_of_answer>"
    return f"\nx = {index}\n<end_of_step>\nprint(x)\n<end_of_code>"


@pytest.mark.asyncio
async def test_scores_and_choices_are_the_other_ppms_and_answers_stay(tmp_path: Path) -> None:
    header = make_header({"search": {"name": "sample", "n": 4}})
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        with RunDir.open(tmp_path / "run", header) as run:
            await run_problems(
                [problem(answer="2")],
                partial(
                    sample,
                    policy=ScriptedPolicy(write),
                    sandbox=sandbox,
                    config=Sampling(n=4),
                    seed=0,
                ),
                run=run,
                selectors={"majority": select_majority},
                name="sample",
                seed=0,
            )
    stored = load_run(tmp_path / "run")
    found = rescore(stored, {"p1": problem(answer="2")}, scorer({"x = 2": 0.5}, "mean"), ppm="d")
    (before,), (after,) = stored.records, found.records
    assert [s.answer for s in after.samples] == [s.answer for s in before.samples]
    assert [s.outcome for s in after.samples] == [s.outcome for s in before.samples]
    assert after.samples[2].step_scores == (0.5, 0.0, 0.0)
    assert after.selected["best_of_n"].answer == "2"
    assert found.header["config"]["ppm"] == {"name": "other", "digest": "d"}
    assert rescore(stored, {}, scorer({}), ppm="d").records == ()
