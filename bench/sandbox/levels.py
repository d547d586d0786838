"""How strongly programs are enclosed: four levels, told apart by what an attack achieves.

A level is a set of layers that are put on, and a set of canary attacks that must fail
(`bench.sandbox.canaries`); no kernel version is ever asked. Below `FLOOR` nothing runs unless the
user names the level, because a program could then read what the user can read.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bench.errors import UnknownNameError
from bench.variables import read_variable

VARIABLE = "RSTAR_BENCH_SANDBOX"
"""The environment variable that names a level, for every command at once."""


class Level(StrEnum):
    """From the strongest to the weakest."""

    FULL = "full"
    """Namespaces with an own root, Landlock where the kernel has it, seccomp, limits."""
    NO_NAMESPACES = "no-namespaces"
    """Landlock, seccomp, limits: Docker's default profile, Ubuntu's AppArmor."""
    SECCOMP = "seccomp"
    """No network, no other process, nothing written; but whatever the user can read is read."""
    PROCESS = "process"
    """A process of its own with limits and a deadline, nothing more: macOS."""


FLOOR = Level.NO_NAMESPACES


@dataclass(frozen=True, slots=True)
class Layers:
    """What a zygote puts on."""

    namespaces: bool = False
    landlock: bool = False
    seccomp: bool = False


LAYERS = {
    Level.FULL: Layers(namespaces=True, landlock=True, seccomp=True),
    Level.NO_NAMESPACES: Layers(landlock=True, seccomp=True),
    Level.SECCOMP: Layers(seccomp=True),
    Level.PROCESS: Layers(),
}


def read_level() -> Level | None:
    """Return the level that the environment names. Raises UnknownNameError."""
    name = read_variable(VARIABLE)
    return find_level(name) if name else None


def find_level(name: str) -> Level:
    """Return the level of this name. Raises UnknownNameError."""
    try:
        return Level(name)
    except ValueError:
        raise UnknownNameError("sandbox level", name, map(str, Level)) from None
