"""A measured number, and the clock that it comes from."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    unit: str
    """`x` for a ratio."""
    at_least: float | None = None
    """What was asked for, where something was."""
    at_most: float | None = None

    @property
    def asked(self) -> str:
        """What was asked for, and whether it was missed."""
        asked = []
        if self.at_least is not None:
            missed = ", MISSED" if self.value < self.at_least else ""
            asked.append(f"asked {self.at_least:g} or more{missed}")
        if self.at_most is not None:
            missed = ", MISSED" if self.value > self.at_most else ""
            asked.append(f"asked {self.at_most:g} or less{missed}")
        return "; ".join(asked)


@dataclass(slots=True)
class Stopwatch:
    """Seconds between entering and leaving a `timed` block."""

    wall: float = 0.0
    host: float = 0.0
    """CPU seconds of the event loop's own thread; engines, PPM and programs run in others."""


@contextmanager
def measure_time() -> Iterator[Stopwatch]:
    """Measure the block."""
    watch = Stopwatch()
    wall, host = time.perf_counter(), time.thread_time()
    yield watch
    watch.wall, watch.host = time.perf_counter() - wall, time.thread_time() - host


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the values do not exceed."""
    return sorted(values)[max(0, -int(-len(values) * percent // 100) - 1)]
