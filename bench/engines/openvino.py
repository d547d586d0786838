"""OpenVINO GenAI: the CPU engine, continuous batching over every search in flight.

One thread owns the pipeline (`bench.engines.stepping`). Each request has its own random generator,
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

Whoever finds no room waits in a line of ours. So the pipeline never has to take a sequence's cache
away, to compute it again with other kernels: how large the cache is changes no text.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.checkpoints.openvino_export import WEIGHTS
from bench.engines.base import Completion, Finish, Precision, Request
from bench.engines.determinism import HISTORY, probe
from bench.engines.memory import (
    count_blocks,
    keep_for_ever,
    ran_out,
    unmap_pages,
)
from bench.engines.stepping import Pending, SteppingEngine
from bench.engines.turns import Turns
from bench.errors import (
    EngineError,
    MissingExtraError,
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
PRECISIONS: tuple[Precision, ...] = ("f32", "bf16")
"""With AMX, f32 is a sixth slower than bf16 for 32 requests and a third for 96, and a third faster
for one; with the bf16 of AVX-512 (Zen 4) it takes 1.3 to 2.1 times as long."""
SAMPLER_THREADS = min(8, os.cpu_count() or 1)
"""Threads that draw tokens and look for stop strings, for which each decodes what it has drawn. The
tokenizer gets more streams than these: a thread that has to wait for one can miss that it was given
back, and then the pipeline waits for ever."""
MAX_PROMPT_TOKENS = 8_191
"""The tokenizer cuts a longer prompt to 8192 tokens, its end with the solution first, unasked."""
BALLAST_TOKENS = 1_024
"""How long an idle sequence is; then comes another."""
_BALLAST = Request("1", 1, 0, 0.0, BALLAST_TOKENS, ())
_BALLAST_BLOCKS = count_blocks(1, 1, BALLAST_TOKENS)


class OpenVINOEngine(SteppingEngine):
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
        super().__init__(name, blocks=pool_blocks, sequences=max_sequences, turns=turns)
        self._ov = ov
        self._weights = None if model is None else model / WEIGHTS
        self._prefix_caching = prefix_caching
        self.determinism = "per request; not verified on this machine"
        self._ballast: Any = None
        self._request_id = 0
        self._start("openvino-engine")

    async def verify_determinism(self) -> None:
        """Compare requests alone with the same requests in a batch; record what was found."""
        self.determinism = HISTORY if self._prefix_caching else await probe(self)

    # The engine's thread, from here on.

    def _step(self, active: list[Pending]) -> None:
        self._keep_ballast()
        try:
            with self._turns:
                self._pipeline.step()
        except RuntimeError as error:
            if ran_out(error):
                raise
            self._fail(active, EngineError(f"OpenVINO failed while generating: {error}"))
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
            self._idle()

    def _stop(self, pending: Pending) -> None:
        pending.handle.stop()

    def _idle(self) -> None:
        """Let the pipeline give back what stopped requests and the ballast hold."""
        if self._ballast is not None:
            self._ballast.stop()
        while self._pipeline.has_non_finished_requests():
            self._pipeline.step()
        self._ballast = None
        if self._weights is not None:
            unmap_pages(self._weights)

    def _bury(self) -> None:
        keep_for_ever(self._pipeline)  # destroyed in the middle of its work, it aborts

    def _release(self) -> None:
        self._pipeline = self._tokenizer = self._ballast = None

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

    def _read(self, pending: Pending) -> None:
        request = pending.request
        for stop in request.stop:
            if stop != stop.rstrip(" \n"):
                raise EngineError(f"the stop string {stop!r} ends in white space, which gets lost")
        pending.ids = self._tokenizer.encode(request.prompt, add_special_tokens=False).input_ids
        pending.prompt_tokens = int(pending.ids.shape[1])
        if pending.prompt_tokens > MAX_PROMPT_TOKENS:
            raise EngineError(
                f"a prompt of more than {MAX_PROMPT_TOKENS} tokens, the most that fit"
            )

    def _add(self, pending: Pending) -> None:
        pending.handle = self._pipeline.add_request(
            self._next_id(), pending.ids, self._config(pending.request)
        )

    def _deliver(self, pending: Pending) -> None:
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
        self._resolve(pending, finished)

    def _completion(self, output: Any, request: Request) -> Completion:
        ids = list(output.generated_ids)
        cut = output.finish_reason == self._ov.GenerationFinishReason.LENGTH
        text = str(self._tokenizer.decode(ids, skip_special_tokens=True))
        # A token may run past the stop string; the text ends with it.
        end = request.find_end(text)
        return Completion(
            text[:end],
            Finish.LENGTH if cut and end is None else Finish.STOP,
            len(ids),
            logprob=fmean(output.generated_log_probs) if request.logprobs and ids else None,
        )
