"""The round's evaluation: greedy pass@1 before and after, on the same held-out problems."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.engines.checkpoints import Checkpoint
from bench.harness import execute
from bench.report import compare
from bench.spec import RunSpec
from bench.stats import wilson
from bench.store import load_run
from rstar_train.recipe import Recipe


def evaluate(
    before: Checkpoint, after: Checkpoint, recipe: Recipe, folder: Path
) -> Mapping[str, Any]:
    """Run both policies greedily and compare them problem by problem (McNemar, Newcombe)."""
    runs = {}
    for label, checkpoint in (("before", before), ("after", after)):
        spec = RunSpec(
            benchmark=recipe.evaluation.benchmark,
            policy=str(checkpoint.adapter or checkpoint.name),
            search="greedy",
            limit=recipe.evaluation.problems,
            seed=recipe.seed,
        )
        asyncio.run(execute(spec, folder / label))
        runs[label] = load_run(folder / label)
    difference = compare(runs["after"], runs["before"], a_method="greedy", b_method="greedy")
    assert difference is not None, "both runs hold the same problems"
    figures: dict[str, Any] = {}
    for label, run in runs.items():
        right = sum(record.selected["greedy"].outcome == "correct" for record in run.records)
        interval = wilson(right, len(run.records))
        figures[f"pass@1_{label}"] = {
            "correct": right,
            "problems": len(run.records),
            "accuracy": round(interval.estimate, 4),
            "low": round(interval.low, 4),
            "high": round(interval.high, 4),
        }
    figures["difference"] = {
        "estimate": round(difference.estimate, 4),
        "low": round(difference.low, 4),
        "high": round(difference.high, 4),
        "only_after": difference.only_a,
        "only_before": difference.only_b,
        "mcnemar_p": difference.p,
    }
    return figures
