"""Engines by name: how each is opened on a checkpoint, and which one `auto` takes.

A new engine is a module and one entry here. A scorer is opened here too.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.ppm_config import PPMConfig
from bench.checkpoints.weights import full_weights, gguf, has_gguf, require_gguf
from bench.engines import vllm
from bench.engines.base import RunningEngine
from bench.engines.openvino import OpenVINOEngine
from bench.engines.ppm import PPMScorer
from bench.engines.transformers import TransformersEngine
from bench.engines.turns import Turns
from bench.errors import UnknownNameError

log = logging.getLogger(__name__)

AUTO = "auto"
"""Stands for the first engine of `ENGINES` that is installed and runs the policy."""


def _open_openvino(policy: Checkpoint, turns: Turns) -> RunningEngine:
    return OpenVINOEngine(gguf(policy), name=policy.name, turns=turns)


def _open_openvino_cached(policy: Checkpoint, turns: Turns) -> RunningEngine:
    return OpenVINOEngine(gguf(policy), name=policy.name, turns=turns, prefix_caching=True)


def _open_vllm(policy: Checkpoint, turns: Turns) -> RunningEngine:
    vllm.require()  # before weights are merged for it
    return vllm.VLLMEngine(full_weights(policy), name=policy.name)


def _open_transformers(policy: Checkpoint, turns: Turns) -> RunningEngine:
    return TransformersEngine(full_weights(policy), name=policy.name, turns=turns)


@dataclass(frozen=True, slots=True)
class EngineEntry:
    """How an engine is opened, and whether `auto` may take it."""

    open: Callable[[Checkpoint, Turns], RunningEngine]
    """Loads a policy. Raises MissingExtraError, CheckpointError, EngineError."""
    package: str | None = None
    """What must be installed for `auto` to take it; None: `auto` never does."""
    runs: Callable[[Checkpoint], bool] = lambda policy: True
    """Whether it can run a policy."""
    require: Callable[[Checkpoint], None] = lambda policy: None
    """Raises CheckpointError for a policy that it cannot run."""
    tells_logprobs: bool = True
    """Whether completions carry their log-probability where it is asked for."""


ENGINES: Mapping[str, EngineEntry] = {
    "openvino": EngineEntry(_open_openvino, "openvino_genai", has_gguf, require_gguf),
    "vllm": EngineEntry(_open_vllm, "vllm"),
    "transformers": EngineEntry(_open_transformers, "transformers"),
    "openvino-cached": EngineEntry(_open_openvino_cached, None, has_gguf, require_gguf),
}
"""The fastest first. `openvino-cached` reuses the KV cache of shared prefixes: faster, but a second
run may generate different texts."""


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


def _is_at_hand(entry: EngineEntry, policy: Checkpoint) -> bool:
    if entry.package == "transformers":
        return True  # the last resort; where it is missing, opening it says how to install it
    return bool(entry.package and importlib.util.find_spec(entry.package) and entry.runs(policy))


def load_engine(policy: Checkpoint, name: str, turns: Turns | None = None) -> RunningEngine:
    """Load a policy on an engine, without trying how reproducible it is there; close it when done.

    `turns` are shared with other models on this processor. Raises UnknownNameError,
    MissingExtraError, CheckpointError, EngineError.
    """
    name = engine_for(policy, name)
    log.info("loading the policy %s on %s", policy.name, name)
    return ENGINES[name].open(policy, turns or Turns())


async def open_engine(policy: Checkpoint, name: str, turns: Turns | None = None) -> RunningEngine:
    """Load a policy on an engine and find out what its determinism is. Raises as `load_engine`."""
    engine = load_engine(policy, name, turns)
    try:
        await engine.verify_determinism()
    except BaseException:
        engine.close()
        raise
    return engine


def open_scorer(ppm: Checkpoint, turns: Turns | None = None) -> PPMScorer:
    """Load a PPM; close it when done. Raises CheckpointError and its kin."""
    log.info("loading the PPM %s", ppm.name)
    scorer = PPMScorer(full_weights(ppm), name=ppm.name, turns=turns)
    if ppm.folder is not None:
        # Measured after the weights were made, it is beside the adapter and not in a merged copy.
        scorer.aggregate = PPMConfig.load(ppm.folder).aggregate
    return scorer
