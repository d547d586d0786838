"""Engines by name: how each is opened on a checkpoint, and which one `auto` takes.

A new engine is a module and one entry in `ENGINES`; one for PPMs, in `SCORERS`.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.checkpoints import embedded
from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.reward import find_reading
from bench.checkpoints.weights import (
    count_missing_bytes,
    count_missing_openvino_bytes,
    full_weights,
    gguf,
    has_gguf,
    openvino_folder,
    openvino_weights,
    require_gguf,
)
from bench.engines import server, server_pooling, vllm
from bench.engines.base import RunningEngine, RunningScorer
from bench.engines.invariant import InvariantEngine
from bench.engines.invariant_ppm import InvariantScorer
from bench.engines.openvino import POOL_BLOCKS, OpenVINOEngine
from bench.engines.openvino import Precision as PipelinePrecision
from bench.engines.paged_model import Precision
from bench.engines.pooling import PoolingScorer, pooling_overrides
from bench.engines.ppm import DTYPE, PPMScorer
from bench.engines.server import ServerEngine
from bench.engines.transformers import TransformersEngine
from bench.engines.turns import Turns
from bench.engines.vllm_pooling import VLLMPool
from bench.errors import BenchError, CheckpointError, MissingExtraError, UnknownNameError
from bench.plugins import Registry

log = logging.getLogger(__name__)

KEPT_BLOCKS = 4_096
"""Of a KV cache that is to keep prefixes: 3 GB of SmolLM2-135M. The more, the more are found."""
SERVER = "server"
"""The engine whose weights are not here."""
TRANSFORMERS = "transformers"
"""The engine of last resort; for PPMs, the default."""
AUTO = "auto"
"""Stands for the first engine of `ENGINES` that is installed and runs the policy."""


def _open_openvino(
    policy: Checkpoint,
    turns: Turns,
    *,
    pool_blocks: int,
    precision: PipelinePrecision | None = "f32",
    prefix_caching: bool = False,
) -> RunningEngine:
    _require_openvino()  # before weights are written for it
    return OpenVINOEngine(
        gguf(policy),
        name=policy.name,
        model=openvino_folder(policy),
        pool_blocks=pool_blocks,
        precision=precision,
        prefix_caching=prefix_caching,
        turns=turns,
    )


def _open_invariant(
    policy: Checkpoint, turns: Turns, *, pool_blocks: int, precision: Precision | None = None
) -> RunningEngine:
    _require_openvino()
    return InvariantEngine(
        openvino_weights(policy),
        full_weights(policy),
        name=policy.name,
        positions=embedded.POSITIONS,
        pool_blocks=pool_blocks,
        precision=precision,
        turns=turns,
    )


def _open_vllm(policy: Checkpoint, turns: Turns) -> RunningEngine:
    vllm.require()  # before weights are merged for it
    return vllm.VLLMEngine(full_weights(policy), name=policy.name)


def _open_server(policy: Checkpoint, turns: Turns, *, base_url: str | None = None) -> RunningEngine:
    return ServerEngine(server.read_urls(base_url), name=policy.name)


def _open_transformers(policy: Checkpoint, turns: Turns) -> RunningEngine:
    return TransformersEngine(full_weights(policy), name=policy.name, turns=turns)


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """How an engine is opened, and whether `auto` may take it."""

    open: Callable[..., RunningEngine]
    """Loads a policy: `open(policy, turns)`, and `pool_blocks=` where it has a pool, `base_url=`
    where it asks servers. Raises MissingExtraError, CheckpointError, EngineError."""
    package: str | None = None
    """What must be installed for `auto` to take it; None: `auto` never does."""
    runs: Callable[[Checkpoint], bool] = lambda policy: True
    """Whether it can run a policy."""
    require: Callable[[Checkpoint], None] = lambda policy: None
    """Raises CheckpointError for a policy that it cannot run."""
    tells_logprobs: bool = True
    """Whether completions carry their log-probability where it is asked for."""
    require_package: Callable[[], None] = lambda: None
    """Raises MissingExtraError where what it runs on is not installed; loads nothing."""
    pool_blocks: int | None = None
    """Blocks of its KV cache unless told otherwise; None: how large that is cannot be told it."""
    keeps_prefixes: bool = False
    """Whether a cache that is larger than what runs is of use."""
    is_remote: bool = False
    """Whether it asks servers, which hold the weights."""
    weight_bytes: int | None = None
    """Of main memory for each weight; None: it keeps its own books."""
    count_missing: Callable[[Checkpoint], int] = partial(count_missing_bytes, as_gguf=False)
    """Bytes that it has to write into the cache before it can load a policy."""


def _require_package(feature: str, module: str, package: str) -> Callable[[], None]:
    def require() -> None:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(feature, package, "cpu")

    return require


_require_openvino = _require_package("the OpenVINO engine", "openvino_genai", "openvino-genai")


def _on_openvino(
    open_engine: Callable[..., RunningEngine],
    count_missing: Callable[[Checkpoint], int],
    pool_blocks: int,
    package: str | None = None,
) -> EngineEntry:
    """Return the entry of an engine for descendants of the embedded model."""
    return EngineEntry(
        open_engine,
        package,
        has_gguf,
        require_gguf,
        require_package=_require_openvino,
        pool_blocks=pool_blocks,
        keeps_prefixes=pool_blocks == KEPT_BLOCKS,
        weight_bytes=4,
        count_missing=count_missing,
    )


_PACKAGE = "openvino_genai"
_count_gguf = partial(count_missing_bytes, as_gguf=True)
_count_openvino = count_missing_openvino_bytes

ENGINES: Registry[EngineEntry] = Registry(
    "engines",
    EngineEntry,
    {
        "invariant": _on_openvino(_open_invariant, _count_openvino, KEPT_BLOCKS, _PACKAGE),
        "openvino": _on_openvino(_open_openvino, _count_gguf, POOL_BLOCKS, _PACKAGE),
        "vllm": EngineEntry(_open_vllm, "vllm", require_package=vllm.require_package),
        TRANSFORMERS: EngineEntry(
            _open_transformers,
            TRANSFORMERS,
            require_package=_require_package(
                "the transformers engine", "transformers", "transformers"
            ),
            weight_bytes=2,
        ),
        "openvino-cached": _on_openvino(
            partial(_open_openvino, precision=None, prefix_caching=True), _count_gguf, KEPT_BLOCKS
        ),
        "openvino-bf16": _on_openvino(
            partial(_open_openvino, precision="bf16"), _count_gguf, POOL_BLOCKS
        ),
        "invariant-f32": _on_openvino(
            partial(_open_invariant, precision="f32"), _count_openvino, KEPT_BLOCKS
        ),
        "invariant-int8": _on_openvino(
            partial(_open_invariant, precision="int8"), _count_openvino, KEPT_BLOCKS
        ),
        SERVER: EngineEntry(
            _open_server,
            None,
            runs=lambda policy: policy.is_served,
            require_package=server.require_package,
            is_remote=True,
        ),
    },
)
"""The one to take first, and last the one whose weights are elsewhere. `invariant` keeps prefixes,
and its texts depend on the request alone; its products are in the fastest precision with which that
holds, those of `invariant-f32` in fp32, and of `invariant-int8` of weights that are rounded to 8
bits. `openvino` promises as much, and computes every prompt
anew. `openvino-cached` keeps prefixes, and a second run may generate different texts.
`openvino-bf16` rounds products to bf16: faster where the processor has them; the determinism that a
run notes says whether its texts depended on their batch."""


def engine_for(policy: Checkpoint, name: str) -> str:
    """Return the engine that a name stands for: `auto` is the fastest installed one for a policy.

    Raises UnknownNameError; CheckpointError for a policy that the named one cannot run.
    """
    if name == AUTO:
        return next(each for each, entry in ENGINES.items() if _is_at_hand(entry, policy))
    if name not in ENGINES:
        raise UnknownNameError("engine", name, (AUTO, *ENGINES))
    ENGINES[name].require(policy)
    return name


def require_engine(name: str) -> None:
    """Raise MissingExtraError where what an engine runs on is not installed; nothing is loaded."""
    ENGINES[name].require_package()


def _is_at_hand(entry: EngineEntry, policy: Checkpoint) -> bool:
    if entry.package == TRANSFORMERS:
        return True  # the last resort; where it is missing, what is said is how to install it
    return bool(entry.package and importlib.util.find_spec(entry.package) and entry.runs(policy))


def load_engine(
    policy: Checkpoint,
    name: str,
    turns: Turns | None = None,
    *,
    pool_blocks: int | None = None,
    base_url: str | None = None,
) -> RunningEngine:
    """Load a policy on an engine, without trying how reproducible it is there; close it when done.

    `turns` are shared with other models on this processor; `pool_blocks` are what the KV cache is
    to hold, where the engine can be told; `base_url` names the servers, where it asks some.
    Raises UnknownNameError, MissingExtraError, CheckpointError, EngineError, BenchError.
    """
    name = engine_for(policy, name)
    log.info("loading the policy %s on %s", policy.name, name)
    entry = ENGINES[name]
    if entry.is_remote:
        return entry.open(policy, turns or Turns(), base_url=base_url)
    if entry.pool_blocks is None:
        return entry.open(policy, turns or Turns())
    return entry.open(policy, turns or Turns(), pool_blocks=pool_blocks or entry.pool_blocks)


async def open_engine(
    policy: Checkpoint,
    name: str,
    turns: Turns | None = None,
    *,
    pool_blocks: int | None = None,
    base_url: str | None = None,
) -> RunningEngine:
    """Load a policy on an engine and find out what its determinism is. Raises as `load_engine`."""
    engine = load_engine(policy, name, turns, pool_blocks=pool_blocks, base_url=base_url)
    try:
        await engine.verify_determinism()
    except BaseException:
        engine.close()
        raise
    return engine


@dataclass(frozen=True, slots=True)
class ScorerSettings:
    """How a PPM is run; but for where its servers are, it decides scores to the last digit."""

    engine: str = TRANSFORMERS
    batched: bool = False
    """Whether passes of several searches may be one, where the engine does not do so by itself."""
    dtype: str = DTYPE
    """What it computes in, where it is not a server's affair."""
    urls: str | None = None
    """The servers, where it asks some; else the environment says."""

    def describe(self) -> dict[str, Any]:
        """Return what tells a run's scores from those of the default; nothing for that itself."""
        usual = ScorerSettings()
        return {
            name: getattr(self, name)
            for name in ("engine", "batched", "dtype")
            if getattr(self, name) != getattr(usual, name)
        }


@dataclass(frozen=True, slots=True)
class ScorerEntry:
    """How a PPM is opened on an engine."""

    open: Callable[[Checkpoint, ScorerSettings, Turns], RunningScorer]
    """Raises MissingExtraError, CheckpointError, EngineError, BenchError."""
    require_package: Callable[[], None]
    """Raises MissingExtraError where what it runs on is not installed; loads nothing."""
    require: Callable[[Checkpoint], None] = lambda ppm: None
    """Raises CheckpointError for a PPM that it cannot run."""
    batches: bool = True
    """Whether it batches requests of several searches by itself."""
    is_remote: bool = False
    """Whether it asks servers, which hold the weights."""
    weight_bytes: int | None = None
    """Of main memory for each weight; None: it keeps its own books, or a server does."""
    count_missing: Callable[[Checkpoint], int] = partial(count_missing_bytes, as_gguf=False)
    """Bytes that it has to write into the cache before it can load a PPM."""


def _score_on_transformers(ppm: Checkpoint, settings: ScorerSettings, turns: Turns) -> PPMScorer:
    return PPMScorer(
        full_weights(ppm),
        name=ppm.name,
        turns=turns,
        dtype=settings.dtype,
        batched=settings.batched,
    )


def _score_invariantly(ppm: Checkpoint, settings: ScorerSettings, turns: Turns) -> InvariantScorer:
    _require_openvino()
    return InvariantScorer(
        openvino_weights(ppm),
        full_weights(ppm),
        name=ppm.name,
        precision=None if settings.dtype == DTYPE else "f32",
        turns=turns,
    )


def _score_on_vllm(ppm: Checkpoint, settings: ScorerSettings, turns: Turns) -> PoolingScorer:
    vllm.require()  # before weights are merged for it
    folder = full_weights(ppm)
    overrides = pooling_overrides(folder, ppm.name)
    pool = VLLMPool(folder, name=ppm.name, dtype=settings.dtype, overrides=overrides)
    return PoolingScorer(folder, pool, name=ppm.name)


def _score_on_server(ppm: Checkpoint, settings: ScorerSettings, turns: Turns) -> PoolingScorer:
    urls = server_pooling.read_urls(settings.urls)
    server_pooling.require_package()
    pool = server_pooling.ServerPool(urls, name=ppm.name, start=start_command(ppm))
    return PoolingScorer(full_weights(ppm), pool, name=ppm.name)


def start_command(ppm: Checkpoint) -> str:
    """Return the command that starts a server of a PPM. Raises CheckpointError: none can."""
    folder = full_weights(ppm)
    overrides = pooling_overrides(folder, ppm.name)
    return server_pooling.serve_command(folder, ppm.name, overrides)


def _require_poolable(ppm: Checkpoint) -> None:
    folder = ppm.folder
    if folder is not None and ppm.adapter is None:  # what we train is a classifier
        pooling_overrides(folder, ppm.name)


def _require_descendant(ppm: Checkpoint) -> None:
    if not has_gguf(ppm):
        raise CheckpointError(
            f"the PPM {ppm.name!r} is no descendant of the embedded model, and the batch-invariant "
            "engine runs no others here; choose --ppm-engine transformers, or vllm"
        )


SCORERS: Mapping[str, ScorerEntry] = {
    TRANSFORMERS: ScorerEntry(
        _score_on_transformers,
        _require_package("scoring with a PPM", "transformers", "transformers"),
        batches=False,
        weight_bytes=2,
    ),
    "invariant": ScorerEntry(
        _score_invariantly,
        _require_openvino,
        _require_descendant,
        weight_bytes=4,
        count_missing=count_missing_openvino_bytes,
    ),
    "vllm": ScorerEntry(_score_on_vllm, vllm.require_package, _require_poolable),
    SERVER: ScorerEntry(
        _score_on_server, server_pooling.require_package, _require_poolable, is_remote=True
    ),
}
"""The first is the default, and its scores those of every run that says nothing of its engine."""


def require_scorer(settings: ScorerSettings = ScorerSettings()) -> None:  # noqa: B008  # frozen
    """Check that a PPM could be run so; nothing is loaded.

    Raises UnknownNameError, MissingExtraError, BenchError: the engine batches by itself.
    """
    if settings.engine not in SCORERS:
        raise UnknownNameError("PPM engine", settings.engine, SCORERS)
    entry = SCORERS[settings.engine]
    if settings.batched and entry.batches:
        raise BenchError(
            f"--batch-scores is for --ppm-engine {TRANSFORMERS}; {settings.engine!r} batches what "
            "several searches ask by itself, so leave it out"
        )
    entry.require_package()
    SCORERS[TRANSFORMERS].require_package()  # tokenizes for all of them


def check_scorer(ppm: Checkpoint, settings: ScorerSettings) -> None:
    """Find what would keep a PPM from being run so, before anything is loaded.

    Raises UnknownNameError, MissingExtraError, CheckpointError, BenchError.
    """
    require_scorer(settings)
    entry = SCORERS[settings.engine]
    entry.require(ppm)
    if entry.is_remote:
        server_pooling.read_urls(settings.urls)


def open_scorer(
    ppm: Checkpoint,
    turns: Turns | None = None,
    settings: ScorerSettings = ScorerSettings(),  # noqa: B008  # frozen
) -> RunningScorer:
    """Load a PPM; close it when done.

    Raises UnknownNameError, MissingExtraError, CheckpointError, EngineError, BenchError.
    """
    check_scorer(ppm, settings)
    log.info(
        "loading the PPM %s%s",
        ppm.name,
        "" if settings.engine == TRANSFORMERS else f" on {settings.engine}",
    )
    scorer = SCORERS[settings.engine].open(ppm, settings, turns or Turns())
    if ppm.folder is not None:
        # Measured after the weights were made, it is beside the adapter and not in a merged copy.
        scorer.aggregate = find_reading(ppm.folder, ppm.name).aggregate
    return scorer
