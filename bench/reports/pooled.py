"""Runs of one method on several benchmarks as one run, whose problems are those of all.

A problem is named after its benchmark (`chenneq/P1`), so that no two have one name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.errors import RunDirError
from bench.runs.finding import find_runs
from bench.runs.reader import Run, StoredTree, load_run
from bench.runs.record import Key


@dataclass(frozen=True, slots=True)
class PooledRun(Run):
    """Several runs as one; its header is that of the first, but for the benchmark's name."""

    parts: tuple[Run, ...] = ()
    """One for each benchmark, in the order of the benchmarks' names."""

    def trees(self) -> Iterator[StoredTree]:
        """Yield the trees of all parts."""
        for part in self.parts:
            for stored in part.trees():
                yield replace(stored, problem_id=f"{part.benchmark}/{stored.problem_id}")


def load_pooled(path: Path) -> Run:
    """Read a run, or the runs below a folder as one.

    Raises RunDirError: there is none, one is damaged, or two are on one benchmark.
    """
    return pool(path, [load_run(found) for found in find_runs([path])])


def pool(path: Path, runs: Sequence[Run]) -> Run:
    """Return runs on different benchmarks as one run at `path`; a single one as it is.

    Raises RunDirError: two are on one benchmark.
    """
    if len(runs) == 1:
        return runs[0]
    parts: dict[str, Run] = {}
    for run in runs:
        name = run.benchmark
        if (first := parts.setdefault(name, run)) is not run:
            raise RunDirError(
                f"{path} holds two runs on {name}, {first.path.name} and "
                f"{run.path.name}; give a run, or a folder with one run for each benchmark"
            )
    ordered = dict(sorted(parts.items()))
    header = {
        **runs[0].header,
        "config": {**runs[0].config, "benchmark": {"name": " + ".join(ordered)}},
    }
    records = tuple(
        replace(record, problem_id=f"{name}/{record.problem_id}")
        for name, run in ordered.items()
        for record in run.records
    )
    seconds = {
        Key(f"{name}/{key.problem_id}", key.seed): of
        for name, run in ordered.items()
        for key, of in run.seconds.items()
    }
    return PooledRun(path, header, records, seconds, parts=tuple(ordered.values()))


def parts_of(run: Run) -> tuple[Run, ...]:
    """Return the runs that a run was pooled of, else itself."""
    return run.parts if isinstance(run, PooledRun) else (run,)
