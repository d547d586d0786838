"""The searches behind lm-eval's requests: each made once, at the same time as others, and kept.

The parts (engine, PPM, sandbox) start with the first search that was not made before, on an event
loop of its own thread, because lm-eval is synchronous.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lm_eval.api.instance import Instance

from bench.console import EVERY_SECONDS, Pace
from bench.errors import BenchError, EngineError, SandboxError
from bench.evaluation.harness import Harness, Started
from bench.evaluation.runner import run_together
from bench.evaluation.spec import Resolved
from bench.lm_eval.kept import Kept
from bench.lm_eval.loop import LoopThread
from bench.search import Trace
from bench.types import Problem

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One request, as a search."""

    request: Instance
    column: str
    problem: Problem
    seed: int
    key: str
    """Digest of what decides the search; requests with one key share one search."""


class Searches:
    """What a specification's searches have found, and the parts that make more of them."""

    def __init__(self, resolved: Resolved, concurrency: int) -> None:
        """Start nothing yet; search so many problems at a time."""
        self.kept = Kept()
        self._resolved = resolved
        self._concurrency = concurrency
        self._harness: Harness | None = None
        self._loop: LoopThread | None = None
        self._started: Started | None = None

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the parts say of themselves; nothing before they have started."""
        return {} if self._started is None else self._started.notes

    def close(self) -> None:
        """Stop engines, PPM and sandbox; what is asked afterwards starts them again."""
        loop, harness = self._loop, self._harness
        self._loop = self._harness = self._started = None
        if loop is not None:
            if harness is not None:
                # At the interpreter's exit no more threads can start: the children end with it.
                with suppress(RuntimeError):
                    loop.run(harness.__aexit__(None, None, None))
            loop.close()

    def run(self, jobs: Mapping[str, Job]) -> dict[str, Trace | BenchError]:
        """Search what was not searched before; failures of engine and sandbox are results.

        Raises BenchError for any other.
        """
        found: dict[str, Trace | BenchError] = {}
        for key in jobs:
            trace = self.kept.get(key)
            if trace is not None:
                found[key] = trace
        if found:
            log.info("%d of %d searches were made before", len(found), len(jobs))
        todo = [job for key, job in jobs.items() if key not in found]
        if todo:
            if self._loop is None:
                self._loop = LoopThread()
            found.update(self._loop.run(self._search_all(todo)))
        return found

    async def _search_all(self, jobs: Sequence[Job]) -> dict[str, Trace | BenchError]:
        search = (await self._start()).search
        slots = asyncio.Semaphore(self._concurrency)
        found: dict[str, Trace | BenchError] = {}
        tokens, begun = 0, time.monotonic()
        pace = Pace(EVERY_SECONDS)

        async def one(job: Job) -> None:
            nonlocal tokens
            async with slots:
                try:
                    trace = await search(job.problem, seed=job.seed)
                except (EngineError, SandboxError) as error:
                    log.warning("%s, seed %d: %s", job.problem.id, job.seed, error)
                    found[job.key] = error
                    return
            found[job.key] = trace
            self.kept.put(job.key, trace)
            tokens += trace.usage.policy_generated
            if pace.is_due() or len(found) == len(jobs):
                seconds = time.monotonic() - begun
                log.info(
                    "searched %d of %d, %d tokens, %.0f s", len(found), len(jobs), tokens, seconds
                )

        await run_together(one(job) for job in jobs)
        return found

    async def _start(self) -> Started:
        if self._harness is None:
            self._harness = Harness()
        if self._started is None:
            self._started = await self._harness.start(self._resolved)
        return self._started
