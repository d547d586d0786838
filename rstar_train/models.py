"""A checkpoint as a running policy or scorer, for the search of a round.

The engine is chosen as `rstar-bench run` chooses it: OpenVINO where it is installed, else
transformers.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from bench.engines import checkpoints
from bench.engines.openvino import OpenVINOEngine
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.engines.ppm import PPMScorer
from bench.engines.transformers import TransformersEngine
from bench.prompts import template
from rstar_train.settings import SearchSettings

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_policy(
    checkpoint: checkpoints.Checkpoint, settings: SearchSettings
) -> AsyncIterator[tuple[ModelPolicy, dict[str, Any]]]:
    """Load a policy; yield it with what its engine promises. Raises EngineError and its kin."""
    engine: OpenVINOEngine | TransformersEngine
    log.info("loading the policy %s", checkpoint.name)
    if importlib.util.find_spec("openvino_genai") is not None:
        engine = OpenVINOEngine(checkpoints.gguf(checkpoint), name=checkpoint.name)
        name = "openvino"
    else:
        engine = TransformersEngine(checkpoints.merged(checkpoint), name=checkpoint.name)
        name = "transformers"
    try:
        await engine.verify_determinism()
        sampling = SamplingSettings(settings.temperature, settings.step_tokens)
        policy = ModelPolicy(checkpoint.name, engine, template(checkpoint.template), sampling)
        yield policy, {"name": name, "determinism": engine.determinism}
    finally:
        engine.close()


@contextmanager
def open_scorer(checkpoint: checkpoints.Checkpoint) -> Iterator[PPMScorer]:
    """Load a PPM. Raises CheckpointError and its kin."""
    log.info("loading the PPM %s", checkpoint.name)
    scorer = PPMScorer(checkpoints.merged(checkpoint), name=checkpoint.name)
    try:
        yield scorer
    finally:
        scorer.close()
