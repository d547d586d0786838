"""OpenVINO GenAI on a GGUF file: the CPU engine, continuous batching over every search in flight.

One thread owns the pipeline: it adds what searches have asked for, steps the whole batch, and
hands finished requests back to their event loops. Each request has its own random generator,
seeded from the request, so the batch it travels in does not matter, with three conditions that this
module sees to:

* A decoding step over a single sequence takes another matrix kernel and rounds differently. One
  idle sequence, the ballast, therefore rides along whenever anything runs.
* Where a processor multiplies bf16 natively (AMX), OpenVINO rounds to it unasked, and texts depend
  on their batch. So products are asked for in fp32, unless prefixes are kept.
* The pipeline's prefix cache is off, unless asked for. It gives a child the blocks that its
  parent's candidate left, which other kernels computed than a prompt's: the child's text depends
  on whether they are still there. So a child's prompt is computed whole. Where speed counts for
  more than equal texts, as when training data is searched for, `prefix_caching` makes a child cost
  its own tokens, and the run's record says what that costs.

`verify_determinism` puts that to the test on the machine at hand, and the run records what it
found.

The pipeline takes at most `max_sequences` at a time, and the rest wait in a line of ours: those of
the oldest problem go first. So whole problems end one after the other; were all let in, every
program of every problem would be written before the first answer.
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
from typing import Any

from bench.engines.base import Completion, Finish, Request
from bench.engines.determinism import HISTORY, probe
from bench.engines.turns import Turns
from bench.engines.waiting_line import WaitingLine
from bench.errors import EngineError, MissingExtraError

STEP_TOKENS = 16_384
"""Tokens of one scheduling step; a prompt is never split over two."""
KV_PRECISION = "f16"
"""Precision of the KV cache. OpenVINO's own choice, u8, is coarser. It is also slower by a fifth,
with a hundred sequences of a few hundred tokens."""
PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}
"""On AMX a sixth slower than bf16 for 32 requests and a third for 96, a third faster for one."""
SAMPLER_THREADS = min(8, os.cpu_count() or 1)
"""Threads that draw tokens and look for stop strings, for which each decodes what it has drawn. The
tokenizer gets more streams than these: a thread that has to wait for one can miss that it was given
back, and then the pipeline waits for ever."""
LOOP_ROUNDS = 3
"""Passes through the event loop between two steps of the pipeline: a result takes a few of them to
reach the search, which then may ask for more."""
MAX_PROMPT_TOKENS = 8_191
"""The tokenizer cuts a longer prompt to 8192 tokens, its end with the solution first, unasked."""


@dataclass(slots=True)
class _Pending:
    """One request on its way through the pipeline."""

    request: Request
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[list[Completion]]
    handle: Any = None
    prompt_tokens: int = 0


class OpenVINOEngine:
    """Generates from a GGUF file on the CPU."""

    def __init__(
        self,
        gguf: Path,
        *,
        name: str,
        cache_gib: int = 3,
        max_sequences: int = 128,
        prefix_caching: bool = False,
        turns: Turns | None = None,
    ) -> None:
        """Load the model (seconds); `turns` are shared with other models on this processor.

        A request of n counts as `n` of `max_sequences` until its last candidate has ended. Raises
        MissingExtraError, EngineError.
        """
        try:
            import openvino_genai as ov
        except ImportError as error:
            raise MissingExtraError("the OpenVINO engine", "openvino-genai", "cpu") from error
        scheduler = ov.SchedulerConfig()
        scheduler.cache_size = cache_gib
        scheduler.max_num_batched_tokens = STEP_TOKENS
        scheduler.max_num_seqs = max_sequences + 1  # requests, and the ballast
        scheduler.dynamic_split_fuse = False
        scheduler.enable_prefix_caching = prefix_caching
        try:
            self._tokenizer = ov.Tokenizer(str(gguf), NUM_STREAMS=SAMPLER_THREADS + 2)
            self._pipeline = ov.ContinuousBatchingPipeline(
                str(gguf),
                self._tokenizer,
                scheduler,
                "CPU",
                KV_CACHE_PRECISION=KV_PRECISION,
                sampler_num_threads=SAMPLER_THREADS,
                **({} if prefix_caching else PRECISION),
            )
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot load {gguf.name}: {error}") from error
        self._ov = ov
        self._prefix_caching = prefix_caching
        self._turns = turns or Turns()
        self.name = name
        self.determinism = "per request; not verified on this machine"
        self._inbox: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._line: WaitingLine[_Pending] = WaitingLine(max_sequences)
        self._ballast: Any = None
        self._request_id = 0
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="openvino-engine", daemon=True)
        self._thread.start()

    async def generate(self, request: Request) -> list[Completion]:
        """Return `request.n` completions, in an order fixed by the seed. Raises EngineError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[Completion]] = loop.create_future()
        if self._closed:
            raise EngineError("the engine was closed; it generates nothing any more")
        self._inbox.put(_Pending(request, loop, future))
        return await future

    def close(self) -> None:
        """Stop the engine's thread; requests in flight end with an EngineError."""
        self._closed = True
        self._inbox.put(None)
        self._thread.join(timeout=30)

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
        """Generate one token for every sequence; hand back the requests that are finished."""
        try:
            with self._turns:
                self._pipeline.step()
        except RuntimeError as error:
            self._fail(active, error)
            return
        still = []
        for pending in active:
            if pending.handle.get_status() == self._ov.GenerationStatus.RUNNING:
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
            self._line.join(pending, order=pending.request.order, size=pending.request.n)
            wait = False

    def _let_in(self, active: list[_Pending]) -> None:
        """Move requests from the line into the pipeline, as many as fit."""
        running = sum(pending.request.n for pending in active)
        while (pending := self._line.let_in(running)) is not None:
            try:
                self._add(pending)
            except (RuntimeError, TypeError, ValueError, EngineError) as error:
                self._reject(pending, EngineError(f"the request was refused: {error}"))
                continue
            active.append(pending)
            running += pending.request.n

    def _keep_ballast(self) -> None:
        if self._ballast is None or self._ballast.get_status() != self._ov.GenerationStatus.RUNNING:
            self._ballast = self._pipeline.add_request(
                self._next_id(), "1", self._config(Request("1", 1, 0, 0.0, 4096, ()), ballast=True)
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

    def _add(self, pending: _Pending) -> None:
        ids = self._tokenizer.encode(pending.request.prompt, add_special_tokens=False).input_ids
        pending.prompt_tokens = int(ids.shape[1])
        if pending.prompt_tokens > MAX_PROMPT_TOKENS:
            raise EngineError(
                f"a prompt of more than {MAX_PROMPT_TOKENS} tokens, the most that fit"
            )
        request = pending.request
        for stop in request.stop:
            if stop != stop.rstrip(" \n"):
                raise EngineError(f"the stop string {stop!r} ends in white space, which gets lost")
        if request.temperature <= 0 and request.n > 1:
            raise EngineError(f"greedy decoding gives one completion, {request.n} were asked for")
        pending.handle = self._pipeline.add_request(self._next_id(), ids, self._config(request))

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
        for pending in active:
            pending.handle.stop()
        active += self._line.send_away()
        while not self._inbox.empty():
            active += filter(None, [self._inbox.get()])
        for pending in active:
            self._reject(pending, EngineError("the engine was closed before it answered"))
        self._drain()

    def _reject(self, pending: _Pending, error: EngineError) -> None:
        _answer(pending, _refuse, error)


def _answer(pending: _Pending, how: Callable[[Any, Any], None], what: object) -> None:
    with contextlib.suppress(RuntimeError):  # the loop that asked is closed: nobody waits
        pending.loop.call_soon_threadsafe(how, pending.future, what)


def _resolve(future: asyncio.Future[list[Completion]], value: list[Completion]) -> None:
    if not future.done():
        future.set_result(value)


def _refuse(future: asyncio.Future[list[Completion]], error: EngineError) -> None:
    if not future.done():
        future.set_exception(error)
