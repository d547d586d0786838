"""What several tests of engines share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import EMBEDDED, find_checkpoint
from bench.checkpoints.weights import full_weights, openvino_weights
from bench.engines.invariant import InvariantEngine


@pytest.fixture(scope="session")
def start_invariant(embedded_gguf: Path) -> Callable[..., InvariantEngine]:
    """Starts the batch-invariant engine on the embedded model."""
    policy = find_checkpoint(EMBEDDED, "policy")
    return partial(
        InvariantEngine,
        openvino_weights(policy),
        full_weights(policy),
        name="smollm2",
        positions=8_192,
        pool_blocks=640,
    )
