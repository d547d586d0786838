"""A checkpoint as a running engine or scorer: which engine it is, and how it is started."""

from __future__ import annotations

import importlib.util
import logging

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.weights import full_weights, gguf, has_gguf, require_gguf
from bench.engines import vllm
from bench.engines.openvino import OpenVINOEngine
from bench.engines.ppm import PPMScorer
from bench.engines.transformers import TransformersEngine
from bench.errors import UnknownNameError

log = logging.getLogger(__name__)

ENGINES = ("auto", "openvino", "openvino-cached", "transformers", "vllm")
"""`openvino-cached` keeps prefixes: faster searches, whose texts another run need not repeat."""

OpenEngine = OpenVINOEngine | TransformersEngine | vllm.VLLMEngine

_PREFERRED = {"openvino_genai": "openvino", "vllm": "vllm"}
"""By the package that must be there; transformers always is."""


def engine_for(policy: Checkpoint, name: str) -> str:
    """Return the engine that a name stands for: `auto` is the fastest installed one for a policy.

    Raises UnknownNameError; CheckpointError for a policy that the named one cannot run.
    """
    if name not in ENGINES:
        raise UnknownNameError("engine", name, ENGINES)
    if name.startswith("openvino"):
        require_gguf(policy)
    if name != "auto":
        return name
    for package, engine in _PREFERRED.items():
        if importlib.util.find_spec(package) and (engine != "openvino" or has_gguf(policy)):
            return engine
    return "transformers"


def load_engine(policy: Checkpoint, name: str) -> OpenEngine:
    """Load a policy on an engine, without trying how reproducible it is there; close it when done.

    Raises UnknownNameError, MissingExtraError, CheckpointError, EngineError.
    """
    name = engine_for(policy, name)
    log.info("loading the policy %s on %s", policy.name, name)
    match name:
        case "openvino" | "openvino-cached":
            return OpenVINOEngine(
                gguf(policy),
                name=policy.name,
                prefix_caching=name == "openvino-cached",
            )
        case "vllm":
            vllm.require()  # before weights are merged for it
            return vllm.VLLMEngine(full_weights(policy), name=policy.name)
        case _:
            return TransformersEngine(full_weights(policy), name=policy.name)


async def open_engine(policy: Checkpoint, name: str) -> OpenEngine:
    """Load a policy on an engine and find out what its determinism is. Raises as `load_engine`."""
    engine = load_engine(policy, name)
    try:
        await engine.verify_determinism()
    except BaseException:
        engine.close()
        raise
    return engine


def open_scorer(ppm: Checkpoint) -> PPMScorer:
    """Load a PPM; close it when done. Raises CheckpointError and its kin."""
    log.info("loading the PPM %s", ppm.name)
    return PPMScorer(full_weights(ppm), name=ppm.name)
