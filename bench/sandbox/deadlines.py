"""When a program has had its time: by what its process did, not by the clock on the wall.

A budget of so many seconds is spent by computing; a program that computes nothing may also sleep
for as long, and no longer. Nothing else counts: not waiting for a core, not waiting for a page or
a file that the machine is slow to bring. So no other process's work brings a deadline nearer. Who
could neither compute nor sleep for so long, and has not ended after many times as much, is starved:
that is the machine's fault, never the program's.

What is counted comes from the kernel: a process's CPU clock, and its `stat` and `schedstat`. What
is missing makes it coarser. Without `schedstat`, waiting for a core is told from sleeping by the
process's state alone. Without /proc, all that was not computed was slept. Without the pids of
nodes (macOS), nothing is known of them, and all that passes was slept: a wall clock.
"""

from __future__ import annotations

import asyncio
import os
import socket

from bench.machine import read_pressure
from bench.sandbox.gate import ForkGate
from bench.sandbox.nodes import End, LiveNode
from bench.sandbox.vitals import BEGINNING, Activity, cpu_seconds, read_activity

PATIENCE = 40.0
"""Multiple of its budget, by the wall clock, after which a program that got no time is starved."""
LOOK_SECONDS = 0.05
"""Between two looks at a process."""
_SOON = 0.001
_RECLAIMING = 0.1
"""Memory pressure from which the kernel may charge a process for finding memory."""


def name_clock() -> str:
    """Return what deadlines are measured by here, in the words of a run's header."""
    if not hasattr(socket, "SO_PASSCRED") or read_activity(os.getpid()) is None:
        return "wall clock"
    counted = os.access("/proc/self/schedstat", os.R_OK)
    return "CPU time" if counted else "CPU time, without that of waiting for a core"


class Stopwatch:
    """What one process did since the watch was made, as far as it counts."""

    def __init__(self, seconds: float, patience: float, now: float) -> None:
        """Begin; `seconds` is the budget, `patience` a multiple of it."""
        self.seconds = seconds
        self.spent = 0.0
        """Seconds of CPU."""
        self.slept = 0.0
        """Seconds in which it waited for nothing but what it had asked to wait for."""
        self._pid: int | None = None
        self._seen: Activity | None = None
        self._seen_at = now
        self._end = now + patience * seconds

    @property
    def pause(self) -> float:
        """Seconds until the next look is due: the budget may be spent by then."""
        left = self.seconds - max(self.spent, self.slept)
        return min(max(left, _SOON), LOOK_SECONDS)

    def look(self, pid: int | None, now: float, *, newborn: bool, held_up: bool) -> End | None:
        """Count what a process did since the last look; say whether, and why, its time is over.

        The watch may pass to a `newborn` process, whose clocks begin with it. `held_up` says that
        we had a part in its waiting, so that a look that came late tells nothing.
        """
        passed, self._seen_at = now - self._seen_at, now
        seen = None if pid is None else read_activity(pid)
        if pid is None:
            self.slept += passed
        elif seen is not None:  # else it has ended, which will be heard
            if pid != self._pid:
                self._pid, self._seen = pid, BEGINNING if newborn else seen
                self.spent = self.slept = 0.0
            self._count(seen, min(passed, LOOK_SECONDS) if held_up else passed)
        if self.spent >= self.seconds:
            return End.STARVED if seen is not None and _pays_for_memory(seen) else End.OVERDUE
        if self.slept >= self.seconds:
            return End.OVERDUE
        return End.STARVED if now >= self._end else None

    def _count(self, seen: Activity, passed: float) -> None:
        before, self._seen = self._seen or seen, seen
        computed = seen.cpu - before.cpu
        self.spent += computed
        if seen.asleep and seen.faults == before.faults:
            self.slept += max(0.0, passed - computed - (seen.waited - before.waited))


class Deadline:
    """Ends the wait for a node's report when its time is over, or its parent's, who is to fork."""

    def __init__(
        self, node: LiveNode, parent: LiveNode, gate: ForkGate, *, seconds: float, patience: float
    ) -> None:
        """Begin to look."""
        self._node, self._parent, self._gate = node, parent, gate
        self._loop = asyncio.get_running_loop()
        self._watch = Stopwatch(seconds, patience, self._loop.time())
        self._answered = 0
        self._timer = self._loop.call_later(self._watch.pause, self._ring)

    def look(self) -> End | None:
        """Say whether the time is over, and why."""
        node = self._node
        pid = self._parent.pid if node.pid is None else node.pid
        answered, self._answered = self._answered, self._gate.answered[pid or 0]
        return self._watch.look(
            pid,
            self._loop.time(),
            newborn=pid == node.pid,
            held_up=answered != self._answered,
        )

    def is_spent(self) -> bool:
        """Whether a node that has reported had computed for too long by then, unseen by us."""
        spent, pid = self._node.spent, self._node.pid
        if spent is None and pid is not None:
            spent = cpu_seconds(pid)
        return spent is not None and spent >= self._watch.seconds

    def cancel(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _ring(self) -> None:
        if self._node.outcome.done():
            return
        if (end := self.look()) is not None:
            self._node.settle(end)
        else:
            self._timer = self._loop.call_later(self._watch.pause, self._ring)


def _pays_for_memory(seen: Activity) -> bool:
    """Whether most of what a process computed may have been the kernel's search for free pages."""
    if seen.system < seen.cpu / 2:
        return False
    pressure = read_pressure("memory")
    return pressure is not None and pressure.recent >= _RECLAIMING
