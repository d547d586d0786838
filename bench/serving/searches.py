"""Requests searched: each a problem of its own, all on the same engine, PPM and sandbox.

A request's trace is that of `rstar-bench run` for a problem of this id, question, knobs and seed.
`max_tokens` cuts it on its budget clock, as `report --tokens` cuts a run: what counts are the
rollouts that had ended by then. A search whose time is over answers with what it has reached.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from bench.engines.base import Policy, StepScorer
from bench.errors import BenchError, DeadEngineError
from bench.evaluation.harness import bind_search
from bench.evaluation.memory import demand_of
from bench.runs.grading import explain_nothing
from bench.sandbox import Sandbox
from bench.search import EventKind, NodeKind, Trace, list_finished
from bench.search.clock import cut_to_rollouts, find_affordable
from bench.search.expansion import WATCH
from bench.search.selection import value_path
from bench.serving.budget import Metered, SpentError
from bench.serving.errors import DO_NOT_REPEAT, RequestError, explain_failure
from bench.serving.queueing import Gate
from bench.serving.reading import Asked
from bench.serving.settings import ServerSettings
from bench.types import Outcome

log = logging.getLogger(__name__)


class Ended(StrEnum):
    """Why a search ended."""

    FINISHED = "finished"
    TOKENS = "tokens"
    """The request's tokens were spent."""
    TIME = "time"
    """The server's seconds of a search were over."""


@dataclass(slots=True)
class Progress:
    """What a search has done so far."""

    traces: list[Trace] = field(default_factory=list)
    meter: Metered | None = None

    def __str__(self) -> str:
        """Say it in a line."""
        if self.meter is None or not self.traces:
            return "waiting for a place"
        rollouts = len(self.traces[-1].rollouts)
        return f"searching: {rollouts} rollouts, {self.meter.generated} tokens"


@dataclass(frozen=True, slots=True)
class Found:
    """A search that ended, and what it answered."""

    trace: Trace
    """All that was searched, also what the request's tokens did not reach."""
    counted: Trace
    """What the answer was chosen from."""
    end: int | None
    """Index of the chosen answer's node in `counted`; None: there is no answer."""
    ended: Ended
    outcome: Outcome | None
    """Why there is no answer; None where there is one."""
    reason: str
    score: float | None
    """The PPM's value of the chosen trajectory, in [-1, 1]."""
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    seconds: float
    waited: float
    """Seconds before the search began."""

    @property
    def answer(self) -> str | None:
        """The chosen answer."""
        return None if self.end is None else self.counted.nodes[self.end].answer

    @property
    def answer_tokens(self) -> int:
        """Generated tokens of the chosen trajectory."""
        if self.end is None:
            return 0
        return sum(node.tokens for node in self.counted.lineage(self.end))


@dataclass(frozen=True, slots=True)
class Engines:
    """What searches run on."""

    policy_for: Callable[[Asked], Policy]
    """Makes the policy of one request: its template, its temperature, its turn."""
    sandbox: Sandbox
    scorer: StepScorer | None


class Searches:
    """Searches what is asked, a bounded number at a time."""

    def __init__(self, engines: Engines, settings: ServerSettings) -> None:
        """Search nothing yet."""
        self._engines, self._settings = engines, settings
        self.gate = Gate(settings.concurrency, settings.queue)
        self._tasks: set[asyncio.Task[Found]] = set()
        self.stopping = False
        self.dead: asyncio.Future[DeadEngineError] = asyncio.get_running_loop().create_future()
        """Told when the engine is gone, and the server with it."""

    def start(self, asked: Asked, progress: Progress) -> asyncio.Task[Found]:
        """Begin a search, or its wait for a place; cancel the task to end it.

        Raises RequestError: the queue is full, or the server is ending.
        """
        if self.stopping:
            raise _stopping()
        self.gate.enter()
        task = asyncio.create_task(self._run(asked, progress))
        self._tasks.add(task)
        task.add_done_callback(self._end)
        return task

    async def wait(self, task: asyncio.Task[Found]) -> Found:
        """Return what a search found. Raises RequestError: why it found nothing."""
        try:
            return await task
        except asyncio.CancelledError:
            if self.stopping and task.cancelled():
                raise _stopping() from None
            raise
        except BenchError as error:
            raise explain_failure(error) from error

    def stop(self) -> None:
        """Take no more requests, and end those under way."""
        self.stopping = True
        for task in self._tasks:
            task.cancel()

    def _end(self, task: asyncio.Task[Found]) -> None:
        # Not in the task itself: one that is cancelled before it has begun runs no line of it.
        self._tasks.discard(task)
        self.gate.leave()
        if not task.cancelled():
            task.exception()  # whoever waited may have gone

    async def _run(self, asked: Asked, progress: Progress) -> Found:
        arrived = time.monotonic()
        async with self.gate.places:
            begun = time.monotonic()
            try:
                found = await self._search(asked, progress, begun - arrived)
            except DeadEngineError as error:
                if not self.dead.done():
                    self.dead.set_result(error)
                raise
            except BenchError as error:
                log.warning("%s: %s: %s", asked.model, type(error).__name__, error)
                raise
            finally:
                self.gate.note_seconds(time.monotonic() - begun)
        log.info(
            "%s: %d tokens, %.1f s, %s",
            *(asked.model, found.generated_tokens, found.seconds),
            "answered" if found.end is not None else f"no answer ({found.outcome})",
        )
        return found

    async def _search(self, asked: Asked, progress: Progress, waited: float) -> Found:
        resolved, begun = asked.resolved, time.monotonic()
        # The clock of samples is in order only once all have ended: they are cut afterwards.
        whole = resolved.entry.is_ordered_late
        most = self._settings.max_tokens if whole else asked.max_tokens
        reserve = demand_of(resolved, 1).new_tokens if whole else 0
        meter = Metered(self._engines.policy_for(asked), most, reserve)
        progress.meter = meter
        WATCH.set(progress.traces.append)  # of this task's context alone
        search = bind_search(resolved, meter, self._engines.sandbox, self._engines.scorer)
        ended = Ended.FINISHED
        try:
            async with asyncio.timeout(self._settings.max_seconds) as timer:
                await search(asked.problem, seed=asked.seed)
        except SpentError:
            ended = Ended.TOKENS
            await meter.settle()
        except TimeoutError:
            if not timer.expired():
                raise
            ended = Ended.TIME
        return _conclude(asked, progress.traces[-1], ended, meter, time.monotonic() - begun, waited)


def _conclude(
    asked: Asked, trace: Trace, ended: Ended, meter: Metered, seconds: float, waited: float
) -> Found:
    """Choose among what a search has found. Raises RequestError: its time was over before that."""
    counted = trace
    in_order = ended is Ended.FINISHED or not asked.resolved.entry.is_ordered_late
    if ended is Ended.TIME or not in_order:
        _reach_answers(trace)
        if asked.resolved.entry.is_ordered_late:
            paid = _count_paid(trace, asked.max_tokens)
            if paid < len(trace.finished):
                counted, ended = replace(trace, finished=trace.finished[:paid]), Ended.TOKENS
    elif meter.generated > asked.max_tokens:
        affordable = find_affordable(trace, asked.max_tokens).rollouts
        if affordable < len(trace.rollouts):
            counted, ended = cut_to_rollouts(trace, affordable), Ended.TOKENS
    finished = list_finished(counted)
    choice = asked.select(finished)
    outcome, reason, score, end = None, "", None, None
    if choice is None:
        if ended is Ended.TIME:
            raise RequestError(
                f"the search had no answer after {seconds:.0f} seconds, the most that one takes "
                "here; ask for a smaller budget",
                status=504,
                kind="time_over",
                headers=DO_NOT_REPEAT,
            )
        outcome, reason = explain_nothing(counted)
        if ended is Ended.TOKENS:
            outcome, reason = Outcome.TRUNCATED, "its tokens were spent before an answer"
    else:
        end, scores = counted.finished[choice], finished[choice].step_scores
        aggregate = asked.resolved.aggregate
        if scores and aggregate is not None:
            score = value_path(scores, aggregate)
    return Found(
        trace=trace,
        counted=counted,
        end=end,
        ended=ended,
        outcome=outcome,
        reason=reason,
        score=score,
        prompt_tokens=meter.prompt,
        cached_tokens=meter.cached,
        generated_tokens=meter.generated,
        seconds=seconds,
        waited=waited,
    )


def _reach_answers(trace: Trace) -> None:
    """Count the answers of a search that was ended among its rollouts, though none led there."""
    reached = set(trace.rollouts)
    for node in trace.nodes:
        if node.kind is NodeKind.ANSWER and node.index not in reached:
            trace.record(EventKind.ROLLOUT, node)


def _count_paid(trace: Trace, most: int) -> int:
    """Return how many answers so many tokens pay for, where the clock is not in order."""
    made: set[int] = set()
    for count, end in enumerate(trace.finished):
        made.update(node.index for node in trace.lineage(end))
        if sum(trace.nodes[index].tokens for index in made) > most:
            return count
    return len(trace.finished)


def _stopping() -> RequestError:
    return RequestError(
        "the server is ending; ask again when it is back", status=503, kind="server_stopping"
    )
