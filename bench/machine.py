"""What the machine does to a run: how long it makes processes wait, and what had to be done again.

Pressure is the kernel's count of the time in which at least one process waited for a core, for
memory or for storage; where nobody counts it (macOS, some containers), the load average is all
there is. Events are those of this process: of several things that run in it at once, none can tell
which are its own. Nothing here changes a result; it is told beside the results.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

RESOURCES = ("cpu", "memory", "io")
BUSY = {"cpu": 0.75, "memory": 0.1, "io": 0.5, "load": 2.0}
"""Shares of the time, and processes for each core, from which on a run is told to have waited."""


class Event(StrEnum):
    """What is counted."""

    STOPPED = "stopped"
    """A program had its time; its own fault."""
    PROGRAM_AGAIN = "program_again"
    """The machine gave a program no time, and it was run again."""
    PROGRAM_LOST = "program_lost"
    """So it was each time, and its problem failed."""
    PROGRAM_KILLED = "program_killed"
    """A program was killed from outside, as the kernel does when memory runs out."""
    VERDICT_AGAIN = "verdict_again"
    """The machine gave a checker no time, and it was asked again."""
    VERDICT_LOST = "verdict_lost"
    """So it was each time, and the verdict is a checker's timeout."""


@dataclass(frozen=True, slots=True)
class Pressure:
    """The kernel's line on one resource."""

    recent: float
    """Share of the last ten seconds in which a process waited, in [0, 1]."""
    total: float
    """Seconds in which one did, since the machine was started."""


def read_pressure(resource: str) -> Pressure | None:
    """Return the pressure on one of `RESOURCES`, or `None` where nobody counts it."""
    try:
        line = Path(f"/proc/pressure/{resource}").read_text().split("\n", 1)[0]
        fields = dict(word.split("=") for word in line.split()[1:])
        return Pressure(float(fields["avg10"]) / 100, int(fields["total"]) / 1e6)
    except (OSError, ValueError, KeyError):
        return None


_lock = threading.Lock()
_events: Counter[str] = Counter()


def count(event: Event) -> None:
    """Note that something happened, once more."""
    with _lock:
        _events[event] += 1


class Meter:
    """Says what happened since it was last asked."""

    def __init__(self) -> None:
        """Begin now."""
        self._before = _read_all()

    def take(self) -> dict[str, float]:
        """Return events, and seconds: of the wall clock (`wall`), and those waited, by resource.

        Without pressure there is `load` instead: processes for each core, times seconds.
        """
        now = _read_all()
        took = {key: now[key] - self._before.get(key, 0.0) for key in now}
        self._before = now
        if not any(resource in took for resource in RESOURCES):
            took["load"] = os.getloadavg()[0] / (os.cpu_count() or 1) * took["wall"]
        return {key: round(value, 3) for key, value in took.items() if value or key == "wall"}


def describe(took: Mapping[str, float]) -> str:
    """Say in a sentence what a meter took where the machine was busy; empty where it was not."""
    shares = {key: took.get(key, 0.0) / (took.get("wall") or 1.0) for key in BUSY}
    events = [f"{words}: {int(took[event])}" for event, words in _WORDS.items() if event in took]
    if not events and not any(shares[key] >= most for key, most in BUSY.items()):
        return ""
    waits = [
        f"{round(100 * shares[key])} % of the time for {words}"
        for key, words in (("cpu", "a core"), ("memory", "memory"), ("io", "storage"))
        if shares[key] >= 0.01
    ]
    if waits:
        events.insert(0, f"processes waited {', '.join(waits)}")
    elif shares["load"]:
        events.insert(0, f"load {shares['load']:.1f} on each core")
    return f"the machine was busy: {'; '.join(events)}"


_WORDS = {
    Event.PROGRAM_AGAIN: "programs run again for want of time",
    Event.PROGRAM_LOST: "programs given up, and their problems with them",
    Event.PROGRAM_KILLED: "programs killed from outside, as for want of memory",
    Event.VERDICT_AGAIN: "verdicts asked for again",
    Event.VERDICT_LOST: "verdicts not to be had, which count as failures",
}
"""Of the events that are the machine's fault."""


def _read_all() -> dict[str, float]:
    with _lock:
        found: dict[str, float] = dict(_events)
    for resource in RESOURCES:
        if (pressure := read_pressure(resource)) is not None:
            found[resource] = pressure.total
    return {**found, "wall": time.monotonic()}
