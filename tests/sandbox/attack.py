"""What a hostile program is, as data: the words of the tables `hostile.py` and `tampering.py`.

A program prints REACHED when it got what it was after. Signals are 0 throughout, which asks for
permission and delivers nothing: the table must not hurt the machine on the day that it is right.
Placeholders: {secret} a file of the user's, {folder} a folder that all may write to, {port} a
listening TCP port, {outsider} the pid of a process outside, {harness} this project.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.sandbox import Level, Status

FULL, NO_NS, SECCOMP, PROCESS = Level
ANY = tuple(Status)
ENDED = (Status.OK, Status.ERROR)
ORDER = list(Level)


@dataclass(frozen=True)
class Attack:
    """A program, and how it may end where it is contained."""

    name: str
    code: str
    weakest: Level = SECCOMP
    """The weakest level that contains it; it is not run below."""
    ends: tuple[Status, ...] = ENDED
    """On a busy machine any may run out of time instead, which contains it, too."""
    parent: str | None = None
    prints: str | None = None
    """All that it may print, where that is to be exact."""
    machine: str | None = None

    def runs_at(self, level: Level) -> bool:
        return ORDER.index(level) <= ORDER.index(self.weakest)


def reach(code: str) -> str:
    """Print REACHED when the code runs through; an OSError, or whatever, is containment."""
    return f"{code}\nprint('REACHED')"


LIBC = "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\n"
