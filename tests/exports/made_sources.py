"""Made-up runs as exports take them: with a time, questions and solutions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.exports.sources import Source
from bench.reports.leaderboard import leaderboard
from bench.runs.reader import Run
from tests.made_runs import C, E, N, T, W, greedy, sampled

HEADER: dict[str, Any] = {
    "created": "2026-01-31T12:00:00+00:00",
    "config_digest": "sha256:" + "ab" * 32,
    "command": ["rstar-bench", "run", "--benchmark", "pool"],
    "packages": {"rstar-bench": "0.1.0"},
}


def make_source(run: Run, **header: Any) -> Source:
    run = replace(run, header={**run.header, **HEADER, **header})
    return Source(
        run,
        leaderboard([run]).rows,
        {record.problem_id: f"What is {record.problem_id}?" for record in run.records},
        {
            record.key: [f"solution {at}" for at in range(max(1, len(record.samples)))]
            for record in run.records
        },
    )


def of_samples() -> Source:
    """Majority: right, wrong, not judged; best-of-n: wrong, none, truncated."""
    return make_source(sampled([(C, W), (W, N), (E, T)]))


def of_failures() -> Source:
    return make_source(greedy([E, E]))
