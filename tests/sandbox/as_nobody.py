"""Runs a command as nobody (uid 65534): `python as_nobody.py COMMAND...`, started by root.

The interpreter and this project are made reachable at their own paths, in a mount namespace of the
command's own, where the directories above them are closed to others.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from pathlib import Path

NOBODY = 65534
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


def main() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    check(libc.unshare(CLONE_NEWNS))
    check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None))
    needed = {Path(sys.base_prefix).resolve(), Path(sys.prefix), Path(__file__).parents[2]}
    for path in sorted(needed):
        if closed := [p for p in path.parents if not p.stat().st_mode & stat.S_IXOTH]:
            open_up(libc, closed[-1], path)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.environ["HOME"] = "/nonexistent"
    os.execv(sys.argv[1], sys.argv[1:])


def open_up(libc: ctypes.CDLL, closed: Path, path: Path) -> None:
    """Put an empty directory over a closed one, and in it only what is needed."""
    held = os.open(path, os.O_PATH)
    check(libc.mount(b"none", os.fsencode(closed), b"tmpfs", 0, b"mode=755"))
    path.mkdir(parents=True, exist_ok=True)
    source = os.fsencode(f"/proc/self/fd/{held}")
    check(libc.mount(source, os.fsencode(path), None, MS_BIND | MS_REC, None))


def check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    main()
