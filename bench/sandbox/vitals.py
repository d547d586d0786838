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
_CPU_CLOCK = 2
"""Clock of a whole process, all modes; see clock_getcpuclockid(3)."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """A line of /proc/PID/stat."""

    sleeping: bool
    memory: int
    """Bytes that are this process's own, at most: each page that it wrote to since its fork."""


def vitals(pid: int) -> Vitals | None:
    """Look at a process; `None` when it is gone or cannot be seen."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            fields = file.read(1024).rpartition(b")")[2].split()
        return Vitals(fields[0] == b"S", int(fields[7]) * _PAGE)
    except (OSError, IndexError, ValueError):
        return None


def cpu_seconds(pid: int) -> float | None:
    """Return a process's own CPU time, or `None` when it is gone or cannot be seen."""
    try:
        return time.clock_gettime((~pid << 3) | _CPU_CLOCK)
    except (OSError, AttributeError):
        return None


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
