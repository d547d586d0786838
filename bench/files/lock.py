"""One writer for each run directory, held by a lock that dies with its process.

It is a `flock` on run.lock, so `kill -9` releases it; a child forked meanwhile does not keep it.
The pid in the file is only for the message. Where there is no `flock` nothing is locked.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from bench.errors import RunDirError

try:
    import fcntl
except ImportError:  # Windows: runs are not locked there
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

_held: set[int] = set()


def acquire(path: Path) -> int | None:
    """Take the run's lock until `release`, or until the process dies, even by kill -9.

    Raises:
        RunDirError: another process holds it.
        OSError: run.lock cannot be opened.
    """
    if fcntl is None:
        return None
    fd = os.open(path / "run.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        writer = os.read(fd, 32).decode(errors="replace").strip()
        os.close(fd)
        raise RunDirError(
            f"{path} is being written by another process (pid {writer}). Wait for it or stop it, "
            "or choose another directory (--out; in training --work)."
        ) from None
    except OSError as error:
        log.warning("%s is not locked against a second writer: %s", path, error.strerror)
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    _held.add(fd)
    return fd


def check(path: Path, lock: int | None) -> None:
    """Raise RunDirError where the file behind a lock is gone: a second writer may hold the new one.

    Two system calls; asked before each append.
    """
    if lock not in _held:
        return
    ours = os.fstat(lock)
    try:
        now = os.stat(path / "run.lock")
    except OSError:
        now = None
    if now is None or (now.st_dev, now.st_ino) != (ours.st_dev, ours.st_ino):
        raise RunDirError(
            f"{path / 'run.lock'} was removed while this process wrote to {path}, so another may "
            "write there too; stopped, and what was stored is intact. Repeat the command once no "
            "other runs"
        )


def release(lock: int | None) -> None:
    """Let the next writer in. Does nothing where the lock is not held any more."""
    if lock in _held:  # a forked child has closed its copy already
        _held.remove(lock)
        os.close(lock)


def _forget() -> None:
    """Drop the locks in a forked child: one that outlives a killed run must not keep it locked."""
    while _held:
        os.close(_held.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
