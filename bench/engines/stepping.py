"""An engine whose one thread steps a whole batch: it takes up requests, and hands back results.

The thread adds what searches have asked for, steps all that is active by a token, and hands
finished requests back to their event loops. What a step is, an engine says.

An engine takes at most `sequences` at a time, and no more than its KV cache has room for if every
candidate goes on to its limit; the rest wait in a line: those of the oldest problem go first. So
whole problems end one after the other; were all let in, every program of every problem would be
written before the first answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench.engines.base import Completion, Request
from bench.engines.memory import BLOCK, count_blocks, give_back, ran_out, report_death
from bench.engines.turns import Turns
from bench.engines.waiting_line import WaitingLine
from bench.errors import BenchError, DeadEngineError, EngineError, RefusedError

LOOP_ROUNDS = 3
"""Passes through the event loop between two steps: a result takes a few of them to reach the
search, which then may ask for more."""


@dataclass(frozen=True, slots=True)
class Text:
    """Tokens, and the places of those whose states are to be read."""

    ids: Sequence[int]
    places: Sequence[int]


PlaceTexts = Callable[[], Sequence[Text]]


@dataclass(slots=True)
class Pending:
    """One request on its way through an engine."""

    request: Request
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    """Of what the request is answered with: completions, unless states are read."""
    texts: PlaceTexts | None = None
    """Where nothing is to be generated: gives what is to be read, in the engine's thread."""
    ids: Any = None
    """The prompt's tokens, as the engine holds them."""
    prompt_tokens: int = 0
    blocks: int = 0
    """Blocks of the cache that it may come to take."""
    size: int = 0
    """As many, or more where its share of the sequences is."""
    handle: Any = None
    """What the engine knows it by."""


class SteppingEngine(ABC):
    """The thread, the inbox and the line; a subclass calls `start` once its model is loaded."""

    def __init__(self, name: str, *, blocks: int, sequences: int, turns: Turns | None) -> None:
        """Have room for so many blocks of cache, and so many sequences."""
        self.name = name
        self._pool, self._sequences = blocks, sequences
        self._turns = turns or Turns()
        self._line: WaitingLine[Pending] = WaitingLine(blocks)
        self._inbox: queue.SimpleQueue[Pending | None] = queue.SimpleQueue()
        self._closed = False
        self._death: DeadEngineError | None = None
        self._thread: threading.Thread | None = None
        self.spent: dict[str, float] = defaultdict(float)
        """Seconds of the engine's thread so far, by what it did or waited for."""

    def _start(self, thread: str) -> None:
        self._thread = threading.Thread(target=self._serve, name=thread, daemon=True)
        self._thread.start()

    async def generate(self, request: Request) -> list[Completion]:
        """Return `request.n` completions, in an order fixed by the seed.

        Raises EngineError; DeadEngineError: the engine is gone, and so it is for every request.
        """
        completions: list[Completion] = await self._ask(request)
        return completions

    async def _ask(self, request: Request, texts: PlaceTexts | None = None) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._inbox.put(Pending(request, loop, future, texts))
        if self._closed:  # perhaps its thread had looked into the inbox for the last time
            future.cancel()
            raise self._gone("the engine was closed; it generates nothing any more")
        return await future

    def close(self) -> None:
        """Stop the engine's thread, give its memory back; requests in flight end in EngineError."""
        self._closed = True
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join(timeout=30)
            if self._thread.is_alive() or self._death is not None:
                return
        self._release()
        give_back()

    # What an engine says, in its own thread but for the last.

    @abstractmethod
    def _read(self, pending: Pending) -> None:
        """Set the tokens of a prompt, and how many they are. Raises EngineError."""

    @abstractmethod
    def _add(self, pending: Pending) -> None:
        """Take up a request that has been let in."""

    @abstractmethod
    def _step(self, active: list[Pending]) -> None:
        """Generate one token for every sequence; deliver what is finished, stop what is given up.

        What goes on is left in `active`. Raises RuntimeError or MemoryError where memory ran out.
        """

    @abstractmethod
    def _stop(self, pending: Pending) -> None:
        """Give up a request that was taken up."""

    def _bury(self) -> None:  # noqa: B027  # most need nothing
        """Do what must be done once the thread died in the middle of its work."""

    def _idle(self) -> None:  # noqa: B027  # most need nothing
        """Give back what is held while nothing is asked; called at the end, too."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of the model; the thread has ended."""

    # The engine's thread, from here on.

    def _serve(self) -> None:
        active: list[Pending] = []
        try:
            while True:
                with self.spending("asked for nothing"):
                    goes_on = self._collect(active)
                if not goes_on:
                    break
                with self.spending("searches going on"):
                    self._let_searches_go_on(active)
                self._step(active)
        except BaseException as error:  # whatever it is: nobody is left to answer
            self._death = report_death(f"the engine of {self.name}", error)
            self._bury()
        finally:
            self._closed = True
            self._abandon(active)

    @contextlib.contextmanager
    def spending(self, what: str) -> Iterator[None]:
        """Count the seconds of a block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spent[what] += time.perf_counter() - started

    def _let_searches_go_on(self, active: list[Pending]) -> None:
        """Give the event loops time to do what they can: the step to come holds the lock.

        Otherwise a search gets the 5 ms between two steps to run code and ask again, and the
        batch is as full as chance has it.
        """
        for loop in {pending.loop for pending in active}:
            for _ in range(LOOP_ROUNDS):
                went_round = threading.Event()
                with contextlib.suppress(RuntimeError):  # closed: nobody waits
                    loop.call_soon_threadsafe(went_round.set)
                    went_round.wait(timeout=1)

    def _collect(self, active: list[Pending]) -> bool:
        """Take up requests until one is active; False where the engine is to end."""
        while self._receive(wait=not active and not self._line):
            self._let_in(active)
            if active:
                return True
        return False

    def _receive(self, *, wait: bool) -> bool:
        """Move requests from the inbox into the line; False where the engine is to end."""
        while True:
            try:
                pending = self._inbox.get(block=wait)
            except queue.Empty:
                return True
            if pending is None:
                return False
            if self._attempt(self._measure, pending):
                self._line.join(pending, order=pending.request.order, size=pending.size)
            wait = False

    def _let_in(self, active: list[Pending]) -> None:
        """Take up requests from the line, as many as fit."""
        taken = sum(pending.size for pending in active)
        while (pending := self._line.let_in(taken)) is not None:
            if not pending.future.cancelled() and self._attempt(self._add, pending):
                active.append(pending)
                taken += pending.size

    def _attempt(self, work: Callable[[Pending], None], pending: Pending) -> bool:
        """Do something for a request; False where that was refused, which it is told."""
        try:
            work(pending)
        except (RuntimeError, TypeError, ValueError, EngineError) as error:
            if ran_out(error):
                raise
            self._reject(pending, RefusedError(f"the request was refused: {error}"))
            return False
        return True

    def _measure(self, pending: Pending) -> None:
        """Read a prompt and find out what room its request takes. Raises EngineError."""
        request = pending.request
        if request.temperature <= 0 and request.n > 1:
            raise EngineError(f"greedy decoding gives one completion, {request.n} were asked for")
        self._read(pending)
        pending.blocks = self._count_blocks(pending)
        if pending.blocks > self._pool:
            what = (
                f"{request.n} candidates of up to {request.max_tokens} tokens behind a prompt of "
                f"{pending.prompt_tokens}"
                if pending.texts is None
                else f"{len(pending.ids)} texts that are scored, of up to {pending.prompt_tokens} "
                "tokens,"
            )
            raise EngineError(
                f"{what} take {pending.blocks * BLOCK} tokens of cache, and {self._pool * BLOCK} "
                "are there; ask for fewer at once"
            )
        share = -(-request.n * self._pool // self._sequences)
        pending.size = max(pending.blocks, share)

    def _count_blocks(self, pending: Pending) -> int:
        """Return the blocks that a request takes where all its candidates go on to their limit."""
        request = pending.request
        return count_blocks(pending.prompt_tokens, request.n, request.max_tokens)

    def _fail(self, active: list[Pending], error: EngineError) -> None:
        for pending in active:
            self._stop(pending)
            self._reject(pending, EngineError(str(error)))
        active.clear()

    def _abandon(self, active: list[Pending]) -> None:
        """Answer whoever still waits when the thread ends."""
        for pending in active if self._death is None else ():
            self._stop(pending)
        active += self._line.send_away()
        while not self._inbox.empty():
            active += filter(None, [self._inbox.get()])
        for pending in active:
            self._reject(pending, self._gone("the engine was closed before it answered"))
        if self._death is None:
            self._idle()

    def _gone(self, closed: str) -> BenchError:
        """Return the error of a request that comes too late; `closed` says so, where nothing broke.

        Each request has an error of its own: they are raised in different tasks.
        """
        return EngineError(closed) if self._death is None else DeadEngineError(str(self._death))

    def _resolve(self, pending: Pending, result: Any) -> None:
        """Answer a request."""
        _answer(pending, _set_result, result)

    def _reject(self, pending: Pending, error: BenchError) -> None:
        """Answer a request with an error."""
        _answer(pending, _set_exception, error)


def _answer(pending: Pending, how: Callable[[Any, Any], None], what: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop that asked is closed: nobody waits
        pending.loop.call_soon_threadsafe(how, pending.future, what)


def _set_result(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _set_exception(future: asyncio.Future[Any], error: BenchError) -> None:
    if not future.done():
        future.set_exception(error)
