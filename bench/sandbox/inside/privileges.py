"""Who a program is and how much it may use: user, capabilities, resource limits."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path

from bench.sandbox.inside import linux

_OPEN_FILES = 64
"""Enough for lazy imports; a program that leaks descriptors stops itself."""
_STACK = 16 << 20
_SPARE_PROCESSES = 32


def become_nobody(user: int, readable: Iterable[str]) -> bool:
    """Give up root for `user`, whom nobody else is, and every capability.

    Root keeps its uid, though no capability, where that user could not read the libraries any
    more. Returns whether the user is this sandbox's alone.
    """
    own = os.geteuid() == 0 and all(_can_read(user, path) for path in readable)
    if own:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    if linux.AVAILABLE:
        linux.drop_capabilities()
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        linux.prctl(linux.PR_SET_DUMPABLE, 0)  # no ptrace, and /proc/PID is root's
    return own


def limit(*, memory: int, processes: int | None) -> None:
    """Set the limits that all nodes inherit; the zygote itself lives under them.

    Args:
        memory: bytes of address space, in all.
        processes: how many this user may have; None where others share the user.
    """
    limits = [
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_STACK, _STACK),
    ]
    if processes is not None:
        limits.append((resource.RLIMIT_NPROC, processes + _SPARE_PROCESSES))
    for kind, value in limits:
        _lower(kind, value)


def user_processes() -> int:
    """Count what RLIMIT_NPROC counts: the threads of this process's user."""
    user, count = os.getuid(), 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if entry.stat().st_uid == user:
                count += len(os.listdir(entry / "task"))
        except OSError:  # it ended in the meantime
            continue
    return count


def block_signals() -> None:
    """Let no signal of the terminal's or the harness's own disturb a node."""
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _can_read(user: int, path: str) -> bool:
    os.seteuid(user)
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError:
        return False
    finally:
        os.seteuid(0)
    return True


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))
