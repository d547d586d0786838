"""What this machine allows: bytes from memory and products in a second, as measured here."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

from bench.engines.base import Precision
from bench.errors import MissingExtraError

READ = 1 << 29
"""Bytes that are read at a time: many times what caches hold."""
SIZE = 1536
"""Rows and columns of what is multiplied."""
SECONDS = 2.0
"""How long each thing is repeated; the fastest time counts."""


def measure_bandwidth() -> float:
    """Return the bytes that all cores together read from memory in a second.

    Raises MissingExtraError: torch is not installed.
    """
    torch = _torch()
    held = torch.ones(READ // 4, dtype=torch.float32)
    return READ / find_fastest(lambda: held.sum())


def measure_peak(precision: Precision) -> float:
    """Return the floating-point operations of all cores together in a second, in large products.

    Raises MissingExtraError: torch is not installed.
    """
    torch = _torch()
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    one, other = (torch.ones(SIZE, SIZE, dtype=kind) for _ in range(2))
    return 2.0 * SIZE**3 / find_fastest(lambda: one @ other)


def find_fastest(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes where nothing disturbs it."""
    work()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def _torch() -> ModuleType:
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("measuring the machine", "torch", "cpu") from error
    return torch
