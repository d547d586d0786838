"""Who solves which problem, and what becomes of the problems of a worker that is lost.

A worker is an actor on some node; nothing here knows what it is. A lost one's problems go to the
others at once, and its place is filled again. What is bounded: how often a problem may lose its
worker, and how often a place may lose one before anything was solved there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self

from bench.errors import ClusterError, EngineError
from bench.evaluation.runner import Solved, record_failure
from bench.evaluation.work import Work
from bench.search import Trace
from bench.types import Problem

log = logging.getLogger(__name__)


class LostWorkerError(Exception):
    """A worker is gone, and what it had in hand is to be given to others."""


class Worker(Protocol):
    """Solves so many problems at a time."""

    name: str
    slots: int

    async def solve(self, problem: Problem, begun: Trace | None) -> Solved:
        """Solve one problem. Raises LostWorkerError; BenchError ends the run."""

    async def stop(self) -> None:
        """End it, whether it still lives or not."""


Hire = Callable[[int], Awaitable[Worker]]
"""Starts a worker for a place. Raises LostWorkerError: it died; ClusterError: there is no room now;
another BenchError: it cannot work, here or elsewhere."""


class Crew:
    """The workers of one work; an asynchronous context manager that starts and stops them."""

    def __init__(self, work: Work, hire: Hire, places: int, *, tries: int) -> None:
        """Start nothing yet."""
        self._work, self._hire, self._tries = work, hire, tries
        self._places = places
        self._free: dict[Worker, int] = {}
        """Slots that are free, by living worker."""
        self._place_of: dict[Worker, int] = {}
        self._losses = [0] * places
        """Of each place, since something was solved there."""
        self._hiring: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self._over: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        """Why nobody is asked any more, once that is so."""
        self.lost = 0
        """Workers that were lost so far."""

    @property
    def workers(self) -> list[Worker]:
        """Those that live."""
        return list(self._free)

    @property
    def slots(self) -> int:
        """Problems that the living ones solve at a time."""
        return sum(worker.slots for worker in self._free)

    async def __aenter__(self) -> Self:
        """Start a worker in each place. Raises BenchError where one cannot be started."""
        try:
            async with asyncio.TaskGroup() as group:
                for place in range(self._places):
                    group.create_task(self._fill(place))
        except BaseExceptionGroup as errors:
            await self._stop_all()
            raise errors.exceptions[0] from None
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop them all."""
        await self._stop_all()

    async def solve(self, problem: Problem, /, *, begun: Trace | None = None) -> Solved:
        """Have a problem solved by whoever is free. Raises BenchError: nobody is left to."""
        started = time.perf_counter()
        reason = ""
        for _ in range(self._tries):
            worker = await self._take()
            try:
                solved = await self._ask(worker, problem, begun)
            except LostWorkerError as error:
                reason = str(error)
                self._lose(worker, reason)
                continue
            self._losses[self._place_of[worker]] = 0
            await self._give_back(worker)
            return solved
        work = self._work
        failure = EngineError(
            f"{self._tries} actors were lost while they solved it, the last because: {reason}"
        )
        record = record_failure(problem, work.search, work.seed, work.selectors, failure)
        return Solved(record, {}, {"total": time.perf_counter() - started, "code": []}, {})

    async def _ask(self, worker: Worker, problem: Problem, begun: Trace | None) -> Solved:
        """Wait for a worker's answer, or for the end of all."""
        asked = asyncio.ensure_future(worker.solve(problem, begun))
        try:
            await asyncio.wait((asked, self._over), return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                return asked.result()
            raise self._over.result()
        finally:
            asked.cancel()

    async def _take(self) -> Worker:
        """Wait for a free slot; take one of the worker that has most."""
        async with self._changed:
            while True:
                if self._over.done():
                    raise self._over.result()
                worker = max(self._free, key=lambda each: self._free[each], default=None)
                if worker is not None and self._free[worker]:
                    self._free[worker] -= 1
                    return worker
                await self._changed.wait()

    async def _give_back(self, worker: Worker) -> None:
        async with self._changed:
            if worker in self._free:
                self._free[worker] += 1
                self._changed.notify()

    def _lose(self, worker: Worker, reason: str) -> None:
        """Note that a worker is gone, once, however many problems it had; fill its place again."""
        if self._free.pop(worker, None) is None:
            return
        self.lost += 1
        place = self._place_of[worker]
        log.warning("%s was lost (%s): its problems go to others", worker.name, reason)
        task = asyncio.create_task(self._replace(worker, place))
        self._hiring.add(task)
        task.add_done_callback(self._hiring.discard)

    async def _replace(self, worker: Worker, place: int) -> None:
        await worker.stop()
        self._losses[place] += 1
        if self._losses[place] < self._tries:
            try:
                await self._fill(place)
                return
            except ClusterError as error:
                log.warning("its place stays empty: %s", error)
            except Exception as error:  # whatever it is, those who wait for a slot must hear of it
                await self.end(error)
                return
        task = asyncio.current_task()
        assert task is not None
        self._hiring.discard(task)  # now, not when it is over: two may give up in one turn
        if not self._free and not self._hiring:
            await self.end(
                ClusterError(
                    "every actor was lost, and none could be put in their place. What was stored "
                    "is intact: repeat the command to go on"
                )
            )

    async def _fill(self, place: int) -> None:
        """Start a worker in a place, again where it dies at once. Raises BenchError."""
        while True:
            try:
                worker = await self._hire(place)
                break
            except LostWorkerError as error:
                self._losses[place] += 1
                if self._losses[place] >= self._tries:
                    raise ClusterError(
                        f"an actor died {self._tries} times while it started: {error}"
                    ) from error
        async with self._changed:
            self._free[worker] = worker.slots
            self._place_of[worker] = place
            self._changed.notify_all()

    async def end(self, error: BaseException) -> None:
        """Have all that is asked, and will be, raise an error."""
        async with self._changed:
            if not self._over.done():
                self._over.set_result(error)
            self._changed.notify_all()

    async def _stop_all(self) -> None:
        for task in list(self._hiring):
            task.cancel()
        await asyncio.gather(*self._hiring, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._free), return_exceptions=True)
        self._free.clear()
