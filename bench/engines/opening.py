"""Engines by name: how each is opened on a checkpoint, and which one `auto` takes.

A new engine is a module and one entry in `ENGINES`; one for PPMs, in `SCORERS`.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

from bench.checkpoints import embedded
from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.reward import find_reading
from bench.checkpoints.weights import (
    count_missing_bytes,
    count_missing_openvino_bytes,
    full_weights,
    gguf,
    has_backbone_of,
    has_gguf,
    openvino_folder,
    openvino_weights,
    require_gguf,
)
from bench.engines import server, server_pooling, vllm
from bench.engines.base import Precision, RunningEngine, RunningScorer
from bench.engines.invariant import InvariantEngine
from bench.engines.invariant_ppm import HeadScorer, InvariantScorer
from bench.engines.openvino import POOL_BLOCKS, PRECISIONS, OpenVINOEngine
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
"""The engine of last resort."""
INVARIANT = "invariant"
"""The engine whose texts, or scores, depend on the request alone."""
AUTO = "auto"
"""Stands for the first engine of `ENGINES` that is installed and runs the policy."""


def _open_openvino(
    policy: Checkpoint,
    turns: Turns,
    *,
    pool_blocks: int,
    precision: Precision | None = None,
    prefix_caching: bool = False,
) -> RunningEngine:
    _require_openvino()  # before weights are written for it
    return OpenVINOEngine(
        gguf(policy),
        name=policy.name,
        model=openvino_folder(policy),
        pool_blocks=pool_blocks,
        # Unasked, prefixes are kept in the pipeline's own choice, and else texts are to be exact.
        precision=precision or (None if prefix_caching else "f32"),
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
    """Loads a policy: `open(policy, turns)`, and `pool_blocks=` where it has a pool, `precision=`
    where it has some, `base_url=` where it asks servers. Raises MissingExtraError, CheckpointError,
    EngineError."""
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
    precisions: tuple[Precision, ...] = ()
    """What it can compute products in, where it can be told; unless it is, it chooses by itself."""
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
    precisions: tuple[Precision, ...],
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
        precisions=precisions,
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
        INVARIANT: _on_openvino(
            _open_invariant, _count_openvino, KEPT_BLOCKS, get_args(Precision), _PACKAGE
        ),
        "openvino": _on_openvino(_open_openvino, _count_gguf, POOL_BLOCKS, PRECISIONS, _PACKAGE),
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
            partial(_open_openvino, prefix_caching=True), _count_gguf, KEPT_BLOCKS, PRECISIONS
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
and its texts depend on the request alone; unless told, its products are in fp32, or in bf16 where
the processor has that and the promise holds with it. `openvino` promises as much in fp32, and
computes every prompt anew; in bf16, the determinism that a run notes says whether its texts
depended on their batch. `openvino-cached` keeps prefixes, and a second run may generate different
texts."""


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


def check_precision(name: str, precision: Precision | None) -> None:
    """Raise BenchError where an engine cannot be told to compute in a precision."""
    if precision is None or precision in ENGINES[name].precisions:
        return
    known = "; ".join(
        f"{each}: {', '.join(entry.precisions)}"
        for each, entry in ENGINES.items()
        if entry.precisions
    )
    raise BenchError(
        f"--precision {precision} is not for the engine {name!r}; leave it out, or choose one that "
        f"can be told ({known})"
    )


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
    precision: Precision | None = None,
    pool_blocks: int | None = None,
    base_url: str | None = None,
) -> RunningEngine:
    """Load a policy on an engine, without trying how reproducible it is there; close it when done.

    `turns` are shared with other models on this processor; `pool_blocks` are what the KV cache is
    to hold, where the engine can be told; `base_url` names the servers, where it asks some.
    Raises UnknownNameError, MissingExtraError, CheckpointError, EngineError, BenchError: among
    others, it cannot be told a `precision`.
    """
    name = engine_for(policy, name)
    check_precision(name, precision)
    log.info("loading the policy %s on %s", policy.name, name)
    entry = ENGINES[name]
    if entry.is_remote:
        return entry.open(policy, turns or Turns(), base_url=base_url)
    told: dict[str, Any] = {}
    if precision is not None:
        told["precision"] = precision
    if entry.pool_blocks is not None:
        told["pool_blocks"] = pool_blocks or entry.pool_blocks
    return entry.open(policy, turns or Turns(), **told)


async def open_engine(
    policy: Checkpoint,
    name: str,
    turns: Turns | None = None,
    *,
    precision: Precision | None = None,
    pool_blocks: int | None = None,
    base_url: str | None = None,
) -> RunningEngine:
    """Load a policy on an engine and find out what its determinism is. Raises as `load_engine`."""
    engine = load_engine(
        policy, name, turns, precision=precision, pool_blocks=pool_blocks, base_url=base_url
    )
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


def _score_invariantly(ppm: Checkpoint, settings: ScorerSettings, turns: Turns) -> RunningScorer:
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
    INVARIANT: ScorerEntry(
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
"""The scores of the first are those of every run that says nothing of its PPM's engine."""


def scorer_for(ppm: Checkpoint | None, name: str = AUTO, *, batched: bool = False) -> str:
    """Return the engine that a name stands for, of a PPM's.

    `auto` is the batch-invariant one where it is installed and runs the PPM, else transformers, as
    where passes of several searches are to be made as one there.
    """
    if name != AUTO:
        return name
    installed = importlib.util.find_spec(_PACKAGE) is not None
    return INVARIANT if ppm and installed and not batched and has_gguf(ppm) else TRANSFORMERS


def require_scorer(settings: ScorerSettings = ScorerSettings()) -> None:  # noqa: B008  # frozen
    """Check that a PPM could be run so; nothing is loaded.

    Raises UnknownNameError, MissingExtraError, BenchError: the engine batches by itself.
    """
    if settings.engine not in SCORERS:
        raise UnknownNameError("PPM engine", settings.engine, (AUTO, *SCORERS))
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


def is_head_on(policy: Checkpoint, engine: str | None, ppm: Checkpoint, ppm_engine: str) -> bool:
    """Whether a PPM is a head whose states the policy's engine computes. Raises CheckpointError."""
    return engine == ppm_engine == INVARIANT and has_backbone_of(ppm, policy)


def open_head(policy: Checkpoint, engine: RunningEngine, ppm: Checkpoint) -> RunningScorer:
    """Load the head of a PPM for which `is_head_on` holds. Raises CheckpointError."""
    assert isinstance(engine, InvariantEngine) and ppm.adapter is not None
    log.info("loading the PPM %s, a head on states of the policy", ppm.name)
    return HeadScorer(ppm.adapter, full_weights(policy), engine, name=ppm.name)


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
