"""Processes that a library starts, and leaves behind where this one is killed.

A library ends its processes when it is closed, and nothing is closed by SIGKILL: vLLM's core then
waits for requests for ever, with its weights in memory or on the GPU, where the repeated run wants
its own. So a small process waits for the end of this one, however that comes, and ends them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

_AVAILABLE = hasattr(os, "pidfd_open") and Path("/proc/self/task").is_dir()
_GUARD = """
import os, select, signal, sys

parent, *others = map(int, sys.argv[1:])
held = []
for pid in others:
    try:
        held.append(os.pidfd_open(pid))
    except ProcessLookupError:
        pass
end = select.poll()
end.register(os.pidfd_open(parent), select.POLLIN)
if os.getppid() == parent:
    print(flush=True)
    end.poll()
for fd in held:
    try:
        signal.pidfd_send_signal(fd, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""
"""Handles of processes are taken first, so that no other one is ended that got its number later."""


def descendants(pid: int) -> set[int]:
    """Return the children of a process, and theirs; none where the system does not tell."""
    found: set[int] = set()
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found |= {int(word) for word in file.read_text().split()}
        except OSError:  # it has just ended
            continue
    return found.union(*map(descendants, found))


def end_with_us(pids: Collection[int]) -> subprocess.Popen[bytes] | None:
    """Have processes killed when this one ends; None where nothing is there or can be done.

    The process returned waits for that, and holds them already; whoever has ended them ends it.
    """
    if not pids or not _AVAILABLE:
        return None
    guard = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", _GUARD, *map(str, (os.getpid(), *pids))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for those who close what they have
    )
    assert guard.stdout is not None
    with guard.stdout:
        guard.stdout.readline()
    return guard
