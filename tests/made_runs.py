"""Made-up runs, as `load_run` would return them, for what reports and renders runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.runs.reader import Run
from bench.runs.record import Record, Sample, Selected, Tokens
from bench.types import Outcome

C, W, N = Outcome.CORRECT, Outcome.WRONG, Outcome.NO_ANSWER
T, U, E, G = Outcome.TRUNCATED, Outcome.UNPARSED, Outcome.ENGINE_ERROR, Outcome.INVALID_GOLD
SEARCHES: Mapping[str, Mapping[str, Any]] = {
    "greedy": {"name": "greedy"},
    "sample": {"name": "sample", "n": 4},
    "dvts": {"name": "dvts", "n": 2, "candidates": 4},
    "mcts": {"name": "mcts", "rollouts": 8, "candidates": 4, "c": 2.0},
}


def make_record(
    index: int,
    selected: Mapping[str, Outcome],
    *,
    samples: Sequence[Outcome] = (),
    seed: int = 0,
    error: str | None = None,
) -> Record:
    return Record(
        problem_id=f"p{index:02}",
        seed=seed,
        benchmark="pool",
        gold="1",
        search="any",
        samples=tuple(Sample("1", o, None, (), 10, "") for o in samples),
        selected={name: Selected("1", outcome, 0) for name, outcome in selected.items()},
        tokens=Tokens(policy_prompt=10, policy_generated=1000 + index, ppm=200),
        executions=1,
        error=error,
    )


def make_run(
    records: Sequence[Record],
    *,
    policy: str = "base",
    ppm: str | None = None,
    search: str = "greedy",
    seconds: float | None = 2.0,
    benchmark: str = "pool",
) -> Run:
    config = {
        "policy": policy,
        "ppm": ppm,
        "benchmark": benchmark,
        "search": SEARCHES[search],
        "seed": 0,
    }
    timings = {} if seconds is None else {r.key: {"total": seconds} for r in records}
    return Run(
        Path("run"),
        {"config": config, "config_digest": "d", "concurrency": 2},
        tuple(records),
        timings,
    )


def greedy(outcomes: Sequence[Outcome], **options: Any) -> Run:
    records = [make_record(i, {"greedy": o}) for i, o in enumerate(outcomes)]
    return make_run(records, search="greedy", **options)


def sampled(pairs: Sequence[tuple[Outcome, Outcome]], **options: Any) -> Run:
    records = [
        make_record(i, {"majority": m, "best_of_n": b}, samples=[m, b, W, W])
        for i, (m, b) in enumerate(pairs)
    ]
    return make_run(records, search="sample", ppm="round-1", **options)
