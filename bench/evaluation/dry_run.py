"""What a command would run, said without running it; what would stop it is found as at a start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.evaluation.harness import Harness
from bench.evaluation.spec import Resolved, RunSpec, resolve
from bench.runs.header import read_header
from bench.runs.reader import stream_records


def describe_runs(runs: Mapping[Path, RunSpec], *, concurrency: int | None = None) -> Iterator[str]:
    """Yield lines on each run: its search, models, problems, and what of it is done.

    Raises BenchError, as the start of the first run that cannot be made.
    """
    Harness.check(runs, concurrency=concurrency)
    for out, spec in runs.items():
        resolved = resolve(spec)
        done = _count_done(out)
        yield f"{out}: {spec.search} on {spec.benchmark}, {_say_done(resolved, done)}"
        yield f"  {_say_models(resolved)}"
        known = {n: v for n, v in resolved.config["search"].items() if n != "name"}
        knobs = ", ".join(f"{name} {value}" for name, value in known.items())
        yield f"  seed {spec.seed}{knobs and ', '}{knobs}"


def _count_done(out: Path) -> int:
    if not (out / "run.json").is_file():
        return 0
    return len({record.key for record in stream_records(out, read_header(out))})


def _say_done(resolved: Resolved, done: int) -> str:
    count = len(resolved.problems)
    return f"{count} problem{'s' * (count != 1)}{f', {done} done before' if done else ''}"


def _say_models(resolved: Resolved) -> str:
    if resolved.policy is None:
        return "no model"
    policy = resolved.policy
    precision = resolved.spec.precision
    engine = f"{resolved.engine}{f' in {precision}' if precision else ''}"
    asked = f"policy {policy.name} on {engine}, template {policy.template}"
    if resolved.ppm is None:
        return asked
    return f"{asked}; PPM {resolved.ppm.name} on {resolved.scorer.engine}, by {resolved.aggregate}"
