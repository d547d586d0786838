"""A checkpoint as a running engine or scorer: which engine it is, and how it is started."""

from __future__ import annotations

import importlib.util
import logging

from bench.engines import checkpoints, vllm
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


def engine_named(name: str) -> str:
    """Return the engine that a name stands for: `auto` is the fastest installed one.

    Raises UnknownNameError.
    """
    if name not in ENGINES:
        raise UnknownNameError("engine", name, ENGINES)
    if name != "auto":
        return name
    found = (engine for package, engine in _PREFERRED.items() if importlib.util.find_spec(package))
    return next(found, "transformers")


def load_engine(policy: checkpoints.Checkpoint, name: str) -> OpenEngine:
    """Load a policy on an engine, without trying how reproducible it is there; close it when done.

    Raises UnknownNameError, MissingExtraError, EngineError.
    """
    name = engine_named(name)
    log.info("loading the policy %s on %s", policy.name, name)
    match name:
        case "openvino" | "openvino-cached":
            return OpenVINOEngine(
                checkpoints.gguf(policy),
                name=policy.name,
                prefix_caching=name == "openvino-cached",
            )
        case "vllm":
            vllm.require()  # before weights are merged for it
            return vllm.VLLMEngine(checkpoints.merged(policy), name=policy.name)
        case _:
            return TransformersEngine(checkpoints.merged(policy), name=policy.name)


async def open_engine(policy: checkpoints.Checkpoint, name: str) -> OpenEngine:
    """Load a policy on an engine and find out what its determinism is. Raises as `load_engine`."""
    engine = load_engine(policy, name)
    try:
        await engine.verify_determinism()
    except BaseException:
        engine.close()
        raise
    return engine


def open_scorer(ppm: checkpoints.Checkpoint) -> PPMScorer:
    """Load a PPM; close it when done. Raises CheckpointError and its kin."""
    log.info("loading the PPM %s", ppm.name)
    return PPMScorer(checkpoints.merged(ppm), name=ppm.name)
