"""OpenVINO GenAI: the CPU engine, continuous batching over every search in flight.

One thread owns the pipeline: it adds what searches have asked for, steps the whole batch, and
hands finished requests back to their event loops. Each request has its own random generator,
seeded from the request, so the batch it travels in does not matter, with three conditions that this
module sees to:

* A decoding step over a single sequence takes another matrix kernel and rounds differently. One
  idle sequence, the ballast, therefore rides along whenever anything runs.
* Where a processor multiplies bf16 natively, OpenVINO rounds to it unasked. With AMX, texts then
  depend on their batch; with the instructions of AVX-512 they have not been seen to, and come up to
  twice as fast. So products are asked for in fp32, unless bf16 is named or prefixes are kept.
* The pipeline's prefix cache is off, unless asked for. It gives a child the blocks that its
  parent's candidate left, which other kernels computed than a prompt's: the child's text depends
  on whether they are still there. So a child's prompt is computed whole. Where speed counts for
  more than equal texts, as when training data is searched for, `prefix_caching` makes a child cost
  its own tokens, and the run's record says what that costs.

`verify_determinism` puts that to the test on the machine at hand, and the run records what it
found.

The pipeline takes at most `max_sequences` at a time, and no more than its KV cache has room for if
every candidate goes on to its limit; the rest wait in a line of ours: those of the oldest problem
go first. So whole problems end one after the other; were all let in, every program of every problem
would be written before the first answer. And the pipeline never has to take a sequence's cache
away, to compute it again with other kernels: how large the cache is changes no text.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from bench.checkpoints.openvino_export import WEIGHTS
from bench.engines.base import Completion, Finish, Request
from bench.engines.determinism import HISTORY, probe
from bench.engines.memory import (
    BLOCK,
    count_blocks,
    give_back,
    keep_for_ever,
    ran_out,
    report_death,
    unmap_pages,
)
from bench.engines.turns import Turns
from bench.engines.waiting_line import WaitingLine
from bench.errors import (
    BenchError,
    DeadEngineError,
    EngineError,
    MissingExtraError,
    RefusedError,
)

STEP_TOKENS = 8_192
"""Tokens of one scheduling step; a prompt is never split over two. What is computed on the way
grows with it."""
POOL_BLOCKS = 640
"""Blocks of the KV cache, unless told otherwise. It is as large from the start to the end: blocks
are used in turn, and those of an ended sequence are not given back."""
KV_PRECISION = "f16"
"""Precision of the KV cache. OpenVINO's own choice, u8, is coarser. It is also slower by a fifth,
with a hundred sequences of a few hundred tokens."""
Precision = Literal["f32", "bf16"]
"""Of products and their sums' inputs. With AMX, f32 is a sixth slower than bf16 for 32 requests and
a third for 96, and a third faster for one; with the bf16 of AVX-512 (Zen 4) it takes 1.3 to 2.1
times as long."""
SAMPLER_THREADS = min(8, os.cpu_count() or 1)
"""Threads that draw tokens and look for stop strings, for which each decodes what it has drawn. The
tokenizer gets more streams than these: a thread that has to wait for one can miss that it was given
back, and then the pipeline waits for ever."""
LOOP_ROUNDS = 3
"""Passes through the event loop between two steps of the pipeline: a result takes a few of them to
reach the search, which then may ask for more."""
MAX_PROMPT_TOKENS = 8_191
"""The tokenizer cuts a longer prompt to 8192 tokens, its end with the solution first, unasked."""
BALLAST_TOKENS = 1_024
"""How long an idle sequence is; then comes another."""
_BALLAST = Request("1", 1, 0, 0.0, BALLAST_TOKENS, ())
_BALLAST_BLOCKS = count_blocks(1, 1, BALLAST_TOKENS)


@dataclass(slots=True)
class _Pending:
    """One request on its way through the pipeline."""

    request: Request
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[list[Completion]]
    ids: Any = None
    """The prompt's tokens."""
    size: int = 0
    """Blocks of the cache that it may come to take; more where its share of the sequences is."""
    handle: Any = None

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt."""
        return int(self.ids.shape[1])


class OpenVINOEngine:
    """Generates on the CPU."""

    def __init__(
        self,
        gguf: Path,
        *,
        name: str,
        model: Path | None = None,
        pool_blocks: int = POOL_BLOCKS,
        max_sequences: int = 128,
        prefix_caching: bool = False,
        precision: Precision | None = "f32",
        turns: Turns | None = None,
    ) -> None:
        """Load the model (seconds); `turns` are shared with other models on this processor.

        Of the GGUF comes the tokenizer, and the weights unless there is a folder `model` with them
        (`bench.checkpoints.openvino_export`). A request of n counts as `n` of `max_sequences` until
        its last candidate has ended. Without a `precision` OpenVINO takes its own choice. Raises
        MissingExtraError, EngineError.
        """
        try:
            import openvino_genai as ov
        except ImportError as error:
            raise MissingExtraError("the OpenVINO engine", "openvino-genai", "cpu") from error
        scheduler = ov.SchedulerConfig()
        scheduler.num_kv_blocks = pool_blocks + _BALLAST_BLOCKS
        scheduler.max_num_batched_tokens = STEP_TOKENS
        scheduler.max_num_seqs = max_sequences + 1  # requests, and the ballast
        scheduler.dynamic_split_fuse = False
        scheduler.enable_prefix_caching = prefix_caching
        try:
            self._tokenizer = ov.Tokenizer(str(gguf), NUM_STREAMS=SAMPLER_THREADS + 2)
            self._pipeline = ov.ContinuousBatchingPipeline(
                str(model or gguf),
                self._tokenizer,
                scheduler,
                "CPU",
                KV_CACHE_PRECISION=KV_PRECISION,
                sampler_num_threads=SAMPLER_THREADS,
                **({} if precision is None else {"INFERENCE_PRECISION_HINT": precision}),
            )
        except (RuntimeError, MemoryError) as error:
            raise EngineError(f"OpenVINO cannot load {gguf.name}: {error}") from error
        self._ov = ov
        self._weights = None if model is None else model / WEIGHTS
        self._prefix_caching = prefix_caching
        self._turns = turns or Turns()
        self.name = name
        self.determinism = "per request; not verified on this machine"
        self._inbox: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._pool, self._max_sequences = pool_blocks, max_sequences
        self._line: WaitingLine[_Pending] = WaitingLine(pool_blocks)
        self._ballast: Any = None
        self._request_id = 0
        self._closed = False
        self._death: DeadEngineError | None = None
        self._thread = threading.Thread(target=self._serve, name="openvino-engine", daemon=True)
        self._thread.start()

    async def generate(self, request: Request) -> list[Completion]:
        """Return `request.n` completions, in an order fixed by the seed.

        Raises EngineError; DeadEngineError: the engine is gone, and so it is for every request.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Completion]] = loop.create_future()
        self._inbox.put(_Pending(request, loop, future))
        if self._closed:  # perhaps its thread had looked into the inbox for the last time
            future.cancel()
            raise self._gone("the engine was closed; it generates nothing any more")
        return await future

    def close(self) -> None:
        """Stop the engine's thread, give its memory back; requests in flight end in EngineError."""
        self._closed = True
        self._inbox.put(None)
        self._thread.join(timeout=30)
        if not self._thread.is_alive() and self._death is None:
            self._pipeline = self._tokenizer = self._ballast = None
            give_back()

    async def verify_determinism(self) -> None:
        """Compare requests alone with the same requests in a batch; record what was found."""
        self.determinism = HISTORY if self._prefix_caching else await probe(self)

    # The engine's thread, from here on.

    def _serve(self) -> None:
        active: list[_Pending] = []
        try:
            while self._collect(active):
                self._let_searches_go_on(active)
                self._advance(active)
        except BaseException as error:  # whatever it is: nobody is left to answer
            self._death = report_death(f"the engine of {self.name}", error)
            keep_for_ever(self._pipeline)  # destroyed in the middle of its work, it aborts
        finally:
            self._closed = True
            self._abandon(active)

    def _let_searches_go_on(self, active: list[_Pending]) -> None:
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

    def _advance(self, active: list[_Pending]) -> None:
        """Generate one token for every sequence; hand back the requests that are finished.

        Those that nobody waits for any more are stopped.
        """
        try:
            with self._turns:
                self._pipeline.step()
        except RuntimeError as error:
            if ran_out(error):
                raise
            self._fail(active, error)
            return
        still = []
        for pending in active:
            if pending.future.cancelled():  # its search was given up
                pending.handle.stop()
            elif pending.handle.get_status() == self._ov.GenerationStatus.RUNNING:
                still.append(pending)
            else:
                self._deliver(pending)
        active[:] = still
        if not active:
            self._drain()

    def _drain(self) -> None:
        """Let the pipeline give back what stopped requests and the ballast hold."""
        if self._ballast is not None:
            self._ballast.stop()
        while self._pipeline.has_non_finished_requests():
            self._pipeline.step()
        self._ballast = None
        if self._weights is not None:
            unmap_pages(self._weights)

    def _collect(self, active: list[_Pending]) -> bool:
        """Take up requests until one is active; False where the engine is to end."""
        while self._receive(wait=not active and not self._line):
            self._let_in(active)
            if active:
                self._keep_ballast()
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

    def _let_in(self, active: list[_Pending]) -> None:
        """Move requests from the line into the pipeline, as many as fit."""
        taken = sum(pending.size for pending in active)
        while (pending := self._line.let_in(taken)) is not None:
            if not pending.future.cancelled() and self._attempt(self._add, pending):
                active.append(pending)
                taken += pending.size

    def _attempt(self, work: Callable[[_Pending], None], pending: _Pending) -> bool:
        """Do something for a request; False where that was refused, which it is told."""
        try:
            work(pending)
        except (RuntimeError, TypeError, ValueError, EngineError) as error:
            if ran_out(error):
                raise
            self._reject(pending, RefusedError(f"the request was refused: {error}"))
            return False
        return True

    def _keep_ballast(self) -> None:
        if self._ballast is None or self._ballast.get_status() != self._ov.GenerationStatus.RUNNING:
            self._ballast = self._pipeline.add_request(
                self._next_id(), _BALLAST.prompt, self._config(_BALLAST, ballast=True)
            )

    def _next_id(self) -> int:
        self._request_id += 1
        return self._request_id

    def _config(self, request: Request, *, ballast: bool = False) -> Any:
        config = self._ov.GenerationConfig()
        config.max_new_tokens = request.max_tokens
        config.apply_chat_template = False
        config.num_return_sequences = request.n
        config.do_sample = request.temperature > 0
        if request.temperature > 0:
            config.temperature = request.temperature
            config.top_p = 1.0
            config.rng_seed = request.seed
        if request.stop:
            config.stop_strings = set(request.stop)
            config.include_stop_str_in_output = True
        config.logprobs = int(request.logprobs)
        config.ignore_eos = ballast
        if not ballast:
            config.set_eos_token_id(self._tokenizer.get_eos_token_id())
        return config

    def _measure(self, pending: _Pending) -> None:
        """Read a prompt and find out what room its request takes. Raises EngineError."""
        request = pending.request
        for stop in request.stop:
            if stop != stop.rstrip(" \n"):
                raise EngineError(f"the stop string {stop!r} ends in white space, which gets lost")
        if request.temperature <= 0 and request.n > 1:
            raise EngineError(f"greedy decoding gives one completion, {request.n} were asked for")
        pending.ids = self._tokenizer.encode(request.prompt, add_special_tokens=False).input_ids
        if pending.prompt_tokens > MAX_PROMPT_TOKENS:
            raise EngineError(
                f"a prompt of more than {MAX_PROMPT_TOKENS} tokens, the most that fit"
            )
        blocks = count_blocks(pending.prompt_tokens, request.n, request.max_tokens)
        if blocks > self._pool:
            raise EngineError(
                f"{request.n} candidates of up to {request.max_tokens} tokens behind a prompt of "
                f"{pending.prompt_tokens} take {blocks * BLOCK} tokens of cache, and "
                f"{self._pool * BLOCK} are there; ask for fewer at once"
            )
        share = -(-request.n * self._pool // self._max_sequences)
        pending.size = max(blocks, share)

    def _add(self, pending: _Pending) -> None:
        pending.handle = self._pipeline.add_request(
            self._next_id(), pending.ids, self._config(pending.request)
        )

    def _deliver(self, pending: _Pending) -> None:
        request = pending.request
        outputs = pending.handle.read_all()
        finished = [self._completion(output, request) for output in outputs]
        # The pipeline's own order of siblings is unspecified; shuffle by a hash of seed and text.
        finished.sort(key=lambda c: hashlib.sha256(f"{request.seed}:{c.text}".encode()).digest())
        if finished:
            head = finished[0]
            finished[0] = replace(head, prompt_tokens=pending.prompt_tokens)
        if len(finished) != request.n:
            self._reject(
                pending, EngineError(f"{len(finished)} completions came back, {request.n} expected")
            )
            return
        _answer(pending, _resolve, finished)

    def _completion(self, output: Any, request: Request) -> Completion:
        ids = list(output.generated_ids)
        cut = output.finish_reason == self._ov.GenerationFinishReason.LENGTH
        text = str(self._tokenizer.decode(ids, skip_special_tokens=True))
        # A token may run past the stop string; the text ends with it.
        ends = [text.index(stop) + len(stop) for stop in request.stop if stop in text]
        return Completion(
            text[: min(ends)] if ends else text,
            Finish.LENGTH if cut and not ends else Finish.STOP,
            len(ids),
            logprob=fmean(output.generated_log_probs) if request.logprobs and ids else None,
        )

    def _fail(self, active: list[_Pending], error: RuntimeError) -> None:
        for pending in active:
            pending.handle.stop()
            self._reject(pending, EngineError(f"OpenVINO failed while generating: {error}"))
        active.clear()

    def _abandon(self, active: list[_Pending]) -> None:
        """Answer whoever still waits when the thread ends."""
        for pending in active if self._death is None else ():
            pending.handle.stop()
        active += self._line.send_away()
        while not self._inbox.empty():
            active += filter(None, [self._inbox.get()])
        for pending in active:
            self._reject(pending, self._gone("the engine was closed before it answered"))
        if self._death is None:
            self._drain()

    def _gone(self, closed: str) -> BenchError:
        """Return the error of a request that comes too late; `closed` says so, where nothing broke.

        Each request has an error of its own: they are raised in different tasks.
        """
        return EngineError(closed) if self._death is None else DeadEngineError(str(self._death))

    def _reject(self, pending: _Pending, error: BenchError) -> None:
        _answer(pending, _refuse, error)


def _answer(pending: _Pending, how: Callable[[Any, Any], None], what: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop that asked is closed: nobody waits
        pending.loop.call_soon_threadsafe(how, pending.future, what)


def _resolve(future: asyncio.Future[list[Completion]], value: list[Completion]) -> None:
    if not future.done():
        future.set_result(value)


def _refuse(future: asyncio.Future[list[Completion]], error: BenchError) -> None:
    if not future.done():
        future.set_exception(error)
