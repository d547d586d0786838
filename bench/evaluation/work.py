"""What problems are solved with, so described that another process can start it there.

A `Work` is pickled: it holds names and settings, no running part. `solve_here` starts it in this
process; `bench.cluster` starts it in the actors of a cluster. What it solves is the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from bench.engines.memory import Demand
from bench.errors import BenchError
from bench.evaluation.harness import Harness, solver_of
from bench.evaluation.memory import demand_of
from bench.evaluation.runner import CONCURRENCY, Solver
from bench.evaluation.spec import Resolved, RunSpec, resolve
from bench.runs.header import config_digest, differences


class Work(Protocol):
    """What is started to solve problems, and what the record of a problem that was lost says."""

    @property
    def search(self) -> str:
        """Name of the search."""

    @property
    def seed(self) -> int:
        """Seed of the records."""

    @property
    def selectors(self) -> Sequence[str]:
        """Names of the selectors."""

    async def start(self, harness: Harness) -> Solver:
        """Start the parts in a harness. Raises BenchError."""


Solving = Callable[[Work], AbstractAsyncContextManager[Solver]]
"""Starts a work, here or elsewhere, and stops it at the end."""


@asynccontextmanager
async def solve_here(work: Work) -> AsyncIterator[Solver]:
    """Start a work in this process; stop its parts at the end. Raises BenchError."""
    async with Harness() as harness:
        yield await work.start(harness)


@dataclass(frozen=True, slots=True)
class SpecWork:
    """A run's specification as work: its names are looked up where it is started."""

    spec: RunSpec
    selectors: tuple[str, ...]
    concurrency: int | None
    """Problems at a time of one process; None: what a run has by itself."""
    demand: Demand
    config: str
    """Digest of the configuration, but for the problems, where the run is written."""

    @classmethod
    def of(cls, resolved: Resolved, concurrency: int | None = None) -> SpecWork:
        """Describe a run whose names were looked up here."""
        at_once = min(concurrency or CONCURRENCY, max(1, len(resolved.problems)))
        return cls(
            resolved.spec,
            tuple(resolved.selectors),
            concurrency,
            demand_of(resolved, at_once),
            config_digest(_without_problems(resolved)),
        )

    @property
    def search(self) -> str:
        """Name of the search."""
        return self.spec.search

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.spec.seed

    async def start(self, harness: Harness) -> Solver:
        """Start the search. Raises BenchError: among others, the names stand for other things."""
        resolved = resolve(self.spec, ())
        found = _without_problems(resolved)
        if config_digest(found) != self.config:
            raise BenchError(
                "the run's names stand for something else here, so its records would be others: "
                f"{_describe(found)}. Give every node the same rstar-bench, checkpoints and "
                "RSTAR_BENCH_CHECKPOINTS"
            )
        return solver_of(resolved, await harness.start(resolved, self.demand), self.concurrency)


def _without_problems(resolved: Resolved) -> dict[str, object]:
    """Return the configuration but for the problems, which whoever writes the run reads."""
    return {key: value for key, value in resolved.config.items() if key != "benchmark"}


def _describe(config: dict[str, object]) -> str:
    return ", ".join(f"{each.key} is {each.new}" for each in differences({}, config))
