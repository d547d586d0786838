"""What the kernel tells about another process, and how one is ended: nothing asked of itself.

Where there is no /proc (macOS) nothing is known, and `None` says so.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_PAGE = resource.getpagesize()
_EXACT_FROM = 8 << 20
"""Bytes below which the first guess at a process's memory is good enough."""
_OWN_FDS = 4
_NULL = os.stat(os.devnull).st_rdev
_CPU_CLOCK = 2
"""Clock of a whole process, all modes; see clock_getcpuclockid(3)."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """A line of /proc/PID/stat."""

    sleeping: bool
    memory: int
    """Bytes that are this process's own, at most: what it wrote to since its fork and still has."""


def vitals(pid: int) -> Vitals | None:
    """Look at a process; `None` when it is gone or cannot be seen.

    Its own pages are those that it took a fault for, which are small ones throughout (the zygote
    gives up huge ones), but no more than it has that belong to no file. The first would count pages
    that were given back, the second those of its ancestors. Both are read in microseconds, and by
    everybody; smaps, which knows exactly, costs milliseconds for each 100 MiB, and root.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read(1024).rpartition(b")")[2].split()
        memory = int(fields[7]) * _PAGE
        if memory > _EXACT_FROM:
            with open(f"/proc/{pid}/statm", "rb", buffering=0) as file:
                resident, of_files = map(int, file.read(256).split()[1:3])
            memory = min(memory, (resident - of_files) * _PAGE)
        return Vitals(fields[0] == b"S", memory)
    except (OSError, IndexError, ValueError):
        return None


def holds_files(pid: int) -> bool:
    """Whether a paused node is seen to have any other descriptor than its channel and null devices.

    Who may not look, as whoever is not root, sees none.
    """
    try:
        if len(os.listdir(f"/proc/{pid}/fd")) != _OWN_FDS:
            return True
        return any(os.stat(f"/proc/{pid}/fd/{fd}").st_rdev != _NULL for fd in range(3))
    except OSError:
        return False


def cpu_seconds(pid: int) -> float | None:
    """Return a process's own CPU time, or `None` when it is gone or cannot be seen."""
    try:
        return time.clock_gettime((~pid << 3) | _CPU_CLOCK)
    except (OSError, AttributeError):
        return None


@dataclass(frozen=True, slots=True)
class Activity:
    """What a process has done since it began, in seconds."""

    cpu: float
    """All of it."""
    system: float
    """What the kernel did for it, to a hundredth."""
    waited: float
    """Ready to run, while another process had the core; 0 where nobody counts that."""
    faults: int
    """Pages that had to be brought from storage."""
    asleep: bool
    """Whether it waits for what it asked to wait for, so neither for a core nor for a page."""


BEGINNING = Activity(0.0, 0.0, 0.0, 0, False)
_TICKS = os.sysconf("SC_CLK_TCK")
_HAS_PROC = os.path.exists("/proc/self/stat")


def read_activity(pid: int) -> Activity | None:
    """Return what a process has done, or `None` when it is gone or cannot be seen."""
    if (cpu := cpu_seconds(pid)) is None:
        return None
    if not _HAS_PROC:
        return Activity(cpu, 0.0, 0.0, 0, True)
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read(1024).rpartition(b")")[2].split()
        faults, system, asleep = int(fields[9]), int(fields[12]) / _TICKS, fields[0] in b"STt"
    except (OSError, IndexError, ValueError):
        return None
    return Activity(cpu, system, _waited(pid), faults, asleep)


def _waited(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/schedstat", "rb", buffering=0) as file:
            return int(file.read(256).split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def children(pid: int) -> set[int]:
    """Return the pids of a single-threaded process's children."""
    try:
        return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except (OSError, ValueError):
        return set()


class Handle:
    """The means to end one process, and never another that got its number later."""

    def __init__(self, pid: int) -> None:
        """Take hold of a process that is alive now."""
        self.pid = pid
        self._fd = -1
        if hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # gone already
                self._fd = os.pidfd_open(pid)

    def limit_cpu(self, seconds: int) -> None:
        """End it after so much CPU, for the day that the supervisor is stopped and keeps no clock.

        From outside, as the call would cost a node more pages of memory than it has reasons to use.
        """
        if hasattr(resource, "prlimit"):
            with contextlib.suppress(OSError):  # gone already
                resource.prlimit(self.pid, resource.RLIMIT_CPU, (seconds, seconds))

    @property
    def gone(self) -> bool:
        """Whether there was nothing left to hold."""
        return self._fd < 0 and hasattr(os, "pidfd_open")

    def kill(self) -> None:
        """End it, if it has not ended by itself, and let go of it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self._fd >= 0:
                signal.pidfd_send_signal(self._fd, signal.SIGKILL)
            elif not hasattr(os, "pidfd_open"):
                os.kill(self.pid, signal.SIGKILL)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
