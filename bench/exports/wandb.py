"""Weights & Biases: a run for each run, its settings and its numbers (`pip install wandb`)."""

from __future__ import annotations

from collections.abc import Sequence

from bench.exports.sources import Source
from bench.exports.tracking import list_settings, measure, open_package


def track(sources: Sequence[Source], project: str) -> None:
    """Log the runs to a project. Raises BenchError: wandb is not installed."""
    wandb = open_package("wandb")
    for source in sources:
        run = wandb.init(
            project=project,
            name=source.name,
            job_type="evaluation",
            config=list_settings(source),
        )
        run.summary.update(measure(source))
        run.finish()
