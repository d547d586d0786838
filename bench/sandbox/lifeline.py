"""Ties the life of a process to its parent's, where the kernel can: Linux's prctl.

Elsewhere these calls do nothing, and what is left is the end of file on the socket, which a process
sees only when it reads.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(signal: int, *, parent: int) -> None:
    """Have the kernel send `signal` to this process when the thread that started it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:  # it died before the call
        os.kill(os.getpid(), signal)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, whatever session it is in."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> list[int]:
    """The direct children of this single-threaded process; empty where there is no /proc."""
    pid = os.getpid()
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _prctl(option: int, value: int) -> None:
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)
