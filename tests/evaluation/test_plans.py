"""CPL's searches as runs: what they refuse, and that a resumed one, its tree and cuts are whole."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench.checkpoints.ppm_config import PPMConfig
from bench.engines.opening import ENGINES
from bench.errors import BenchError, CheckpointError
from bench.evaluation.runner import run_problems
from bench.evaluation.spec import Resolved, RunSpec, resolve
from bench.prompts import template
from bench.reports.leaderboard import leaderboard
from bench.reports.token_budget import cut
from bench.reports.tree_view import shown_tree
from bench.runs.reader import Run, load_run
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import CPL, PlanGreedy, SearchConfig
from bench.search.registry import find_search
from bench.types import Outcome
from tests.scripted import problem
from tests.search.planners import Inventor
from tests.search.recording import RecordedScorer


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of published checkpoints."""
    monkeypatch.setenv("RSTAR_BENCH_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path


def checkpoint(folder: Path, kind: str, prompt: str | None, tokenizer: str | None = None) -> str:
    """An adapter of the embedded model; with a tokenizer, full weights of another model."""
    folder.mkdir(parents=True)
    lineage = {"kind": kind, "name": folder.name, "parent": "smollm2", "template": prompt}
    files = {"adapter_config.json": "{}", "adapter_model.safetensors": "weights"}
    if tokenizer is not None:
        lineage["parent"] = "another"
        files = {"config.json": "{}", "model.safetensors": "weights", "tokenizer.json": tokenizer}
    (folder / "lineage.json").write_text(json.dumps(lineage))
    for name, text in files.items():
        (folder / name).write_text(text)
    if kind == "ppm" and prompt is not None:
        PPMConfig(prompt, template(prompt).digest).save(folder)
    return str(folder)


def resolved(
    search: str,
    policy: str = "smollm2",
    ppm: str | None = None,
    config: SearchConfig | None = None,
    *,
    engine: str = "auto",
    template: str | None = None,
) -> Resolved:
    spec = RunSpec("scripted", policy, search, config, ppm, engine, template)
    return resolve(spec, [problem()])


def test_an_untrained_policy_is_shown_plans_with_the_solutions_that_are_asked_for() -> None:
    by_default, text = (
        resolved("plan_greedy", config=config) for config in (None, PlanGreedy(solutions="text"))
    )
    assert by_default.config["policy"]["template"] == "plans-code-few-shot"
    assert by_default.config["search"] == {"name": "plan_greedy", "solutions": "code"}
    assert text.config["policy"]["template"] == "plans-text-few-shot"
    assert by_default.config["policy"]["temperature"] == 0.7


def test_a_policy_of_the_other_format_is_refused_with_the_searches_that_fit_it(
    tmp_path: Path,
) -> None:
    steps = checkpoint(tmp_path / "rstar-r1", "policy", "rstar")
    with pytest.raises(BenchError, match="'cpl' reads plans, and .* 'rstar-r1' writes steps"):
        resolved("cpl", steps)
    plans = checkpoint(tmp_path / "cpl-r1", "policy", "plans")
    with pytest.raises(BenchError, match="of plans: plan_greedy, plan_sample, cpl$"):
        resolved("greedy", plans)
    with pytest.raises(BenchError, match="'mcts' reads steps"):
        resolved("mcts", template="plans-text-few-shot")
    assert resolved("plan_greedy", plans).policy is not None


def test_a_value_model_is_one_of_plans_and_of_the_policys_base(tmp_path: Path) -> None:
    plans = checkpoint(tmp_path / "cpl-r1", "policy", "plans")
    fitting = checkpoint(tmp_path / "value", "ppm", "plans")
    found = resolved("cpl", plans, fitting).ppm
    assert found is not None and found.name == "value"
    steps = checkpoint(tmp_path / "steps", "ppm", "rstar")
    with pytest.raises(CheckpointError, match="the PPM 'steps' was trained on steps; give one"):
        resolved("cpl", plans, steps)
    foreign = checkpoint(tmp_path / "foreign", "ppm", "plans", tokenizer="another")
    with pytest.raises(CheckpointError, match="'foreign' has another tokenizer than the policy"):
        resolved("cpl", plans, foreign)


def test_without_a_value_model_it_says_how_to_get_one_and_samples_go_without(
    published: Path,
) -> None:
    with pytest.raises(BenchError, match="needs a PPM that reads plans.*--recipe cpl-smollm2"):
        resolved("cpl")
    root = published / "checkpoints"
    checkpoint(root / "smollm2-135m" / "round-1" / "ppm", "ppm", "rstar")
    assert resolved("plan_sample").ppm is None
    checkpoint(root / "smollm2-135m-cpl" / "round-1" / "ppm", "ppm", "plans")
    found, other = resolved("cpl").ppm, resolved("mcts").ppm
    assert found is not None and found.name == "smollm2-cpl-r1"
    assert other is not None and other.name == "smollm2-r1"


def test_an_engine_that_tells_no_probabilities_is_refused_before_it_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silent = replace(ENGINES["transformers"], tells_logprobs=False)
    monkeypatch.setitem(ENGINES, "transformers", silent)  # type: ignore[arg-type]
    ppm = checkpoint(tmp_path / "value", "ppm", "plans")
    with pytest.raises(BenchError, match="which the engine 'transformers' does not tell; choose"):
        resolved("cpl", ppm=ppm, engine="transformers")
    assert resolved("plan_sample", engine="transformers").engine == "transformers"


PROBLEMS = [problem(answer="2", name=f"p{index}") for index in range(4)]
CONFIG = CPL(iterations=6, plan_depth=3, solutions="text")


class Broken(Inventor):
    """Ends the run after so many candidates."""

    def __init__(self, candidates: int) -> None:
        super().__init__()
        self.left = candidates

    def options(self, partial: str, index: int, seed: int) -> tuple[str, float]:
        self.left -= 1
        if self.left < 0:
            raise BenchError("killed")
        return super().options(partial, index, seed)


def fill(out: Path, policy: Inventor, concurrency: int) -> Run:
    """Search the problems into a run directory, as `Harness.run` does."""
    entry = find_search("cpl")
    search = {"name": "cpl", "iterations": 6, "aggregate": "last"}
    config = {"policy": {"name": "p"}, "benchmark": {"name": "b"}, "search": search}

    async def go() -> None:
        # Text is not run: the sandbox is not started, and would say so.
        way = entry.bind(CONFIG, policy, Sandbox(SandboxConfig()), RecordedScorer(7))
        with RunDir.open(out, {"config": config}) as run:
            await run_problems(
                PROBLEMS,
                partial(way, seed=3),
                run=run,
                selectors=entry.choose_by("last"),
                name="cpl",
                seed=3,
                concurrency=concurrency,
            )

    asyncio.run(go())
    return load_run(out)


def test_a_killed_run_that_is_resumed_leaves_what_an_unbroken_one_does(tmp_path: Path) -> None:
    whole = fill(tmp_path / "whole", Inventor(), 4)
    with pytest.raises(BenchError, match="killed"):
        fill(tmp_path / "killed", Broken(40), 1)
    begun = len(load_run(tmp_path / "killed").records)
    assert 0 < begun < len(PROBLEMS)
    resumed = fill(tmp_path / "killed", Inventor(), 2)
    assert resumed.records == whole.records
    trees = [
        sorted((each.problem_id, json.dumps(each.tree)) for each in run.trees())
        for run in (whole, resumed)
    ]
    assert trees[0] == trees[1]


def test_a_run_is_reported_cut_and_shown_as_a_tree_search(tmp_path: Path) -> None:
    run = fill(tmp_path / "run", Inventor(), 4)
    labels = [row.label for row in leaderboard([run]).rows]
    assert labels == ["cpl@6", "cpl_weighted@6", "cpl_likely@6"]
    at_once = cut(run, 4)
    assert {record.selected["cpl"].outcome for record in at_once.records} == {Outcome.TRUNCATED}
    most = max(record.tokens.policy_generated for record in run.records)
    assert [record.selected for record in cut(run, most).records] == [
        record.selected for record in run.records
    ]
    console = Console(width=200, record=True, file=StringIO())
    console.print(shown_tree(run, "p0"))
    text = console.export_text()
    assert "p0, seed 3: cpl\n" in text
    assert "Plan 1: consider" in text and "pruned: malformed" in text
