"""A control group that caps the memory of all programs together, where this user may make one.

Each program has its limit, and what is kept is counted; the cap is for what both overlook, as the
kernel's own memory. Only version 2 is asked, and nothing of the machine's is changed: no controller
is enabled, no process of anybody else's is moved. A group must not hold processes beside children
with controllers, so ours is made beside the one that this process is in, not below it; where that
one has a cap of its own, it is left alone, as programs are under it already.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_MOUNTS, _MEMBERSHIP = Path("/proc/self/mountinfo"), Path("/proc/self/cgroup")
_UNLIMITED = "max"


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """A group of a sandbox, or why there is none."""

    path: Path | None
    bytes: int = 0
    reason: str = ""
    """Why there is no such group; empty where there is."""

    def make(self) -> str:
        """Make the group, if it is not there; return its path, empty where there can be none.

        The keeper of the last interpreter in it removes it.
        """
        try:
            return "" if self.path is None else str(_make(self.path, self.bytes))
        except OSError:  # it could be made when it was planned
            return ""

    def is_joined(self) -> bool:
        """Whether anything runs in it; that it could be made does not say so."""
        return self.path is not None and bool(_read(self.path / "cgroup.procs"))

    def remove(self) -> None:
        """Remove it, unless something still runs in it."""
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.rmdir()


NO_GROUP = MemoryGroup(None)


def plan_group(size: int) -> MemoryGroup:
    """Find where a group of `size` bytes can be made, by making and removing it."""
    name = f"rstar-sandbox-{os.getpid()}-{os.urandom(4).hex()}"
    try:
        mount, own = _find_own_group()
        parent = own if own == mount else own.parent
        if (limit := _read(own / "memory.max") or _UNLIMITED) != _UNLIMITED:
            return MemoryGroup(None, reason=f"this process is in a group of {limit} bytes already")
        if "memory" not in _read(parent / "cgroup.subtree_control").split():
            if "memory" in _read(mount / "cgroup.controllers").split():
                return MemoryGroup(None, reason="memory is not handed down to this process")
            return MemoryGroup(None, reason="memory is not a controller of version 2 here")
        group = MemoryGroup(parent / name, size)
        try:
            _make(parent / name, size)
        finally:
            group.remove()
    except OSError as e:
        return MemoryGroup(None, reason=f"{e.filename}: {e.strerror}" if e.filename else str(e))
    return group


def _make(path: Path, size: int) -> Path:
    path.mkdir(exist_ok=True)
    (path / "memory.max").write_text(str(size))
    return path


def _find_own_group() -> tuple[Path, Path]:
    """Return where groups of version 2 are mounted, and the one that this process is in.

    Raises OSError where there are none.
    """
    for line in _read_lines(_MOUNTS):
        fields = line.split()
        if fields[fields.index("-") + 1] == "cgroup2":
            mount = Path(fields[4])
            break
    else:
        raise OSError("control groups of version 2 are not mounted")
    for line in _read_lines(_MEMBERSHIP):
        if line.startswith("0::"):
            return mount, mount / line.removeprefix("0::/").removesuffix("\n")
    raise OSError("this process is in no control group of version 2")


def _read(path: Path) -> str:
    """Return a file's text, empty where there is no such file."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def _read_lines(path: Path) -> list[str]:
    return _read(path).splitlines()
