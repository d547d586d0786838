"""File operations below one folder, counted, and one of them made to fail: for a child process.

Everything that Python does to a file goes through functions of `os` and `fcntl` here, since `open`
is replaced by its twin in Python (`_pyio`), which calls them. What C code opens by itself is not
seen. Patches are never taken back: a process that has them is forked for one job, and ends.
"""

from __future__ import annotations

import _pyio
import builtins
import contextlib
import errno
import fcntl
import io
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

SLOW_SECONDS = 0.005


class Fault(StrEnum):
    """What happens at an operation."""

    KILL_BEFORE = "killed before"
    KILL_FIRST = "killed after the first byte"
    """Of what is written; so are the next two."""
    KILL_HALF = "killed half-way"
    KILL_LAST = "killed before the last byte"
    KILL_AFTER = "killed after"
    SHORT = "written in part"
    """The system takes half, and says so; the next write is refused, as on a full disk."""
    SLOW = "slow"
    FULL = "disk full"
    """From here on: whatever needs room is refused."""
    FULL_ONCE = "disk full, once"
    READ_ONLY = "read-only"
    """From here on: whatever changes anything is refused."""
    DENIED = "denied, once"
    BROKEN = "input/output error, once"


KILLS = (Fault.KILL_BEFORE, Fault.KILL_FIRST, Fault.KILL_HALF, Fault.KILL_LAST, Fault.KILL_AFTER)
OTHERS = tuple(fault for fault in Fault if fault not in KILLS)
_PARTS = {
    Fault.KILL_FIRST: lambda size: 1,
    Fault.KILL_HALF: lambda size: size // 2,
    Fault.KILL_LAST: lambda size: size - 1,
}
_ERRNO = {
    Fault.SHORT: errno.ENOSPC,
    Fault.FULL: errno.ENOSPC,
    Fault.FULL_ONCE: errno.ENOSPC,
    Fault.READ_ONLY: errno.EROFS,
    Fault.DENIED: errno.EACCES,
    Fault.BROKEN: errno.EIO,
}
_NEEDS_ROOM = ("create", "write", "pwrite", "fsync", "mkdir")
_BY_DESCRIPTOR = ("write", "pwrite", "fsync", "ftruncate", "flock")
_LASTING = (Fault.FULL, Fault.READ_ONLY, Fault.SHORT)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call that reads the folder's state or changes it."""

    name: str
    file: str
    """Relative to the folder."""
    size: int = 0
    """Bytes to write; 0 for what writes none."""

    def meets(self, fault: Fault) -> bool:
        """Whether a fault can happen to it, and is another one than its neighbours'."""
        if fault in _PARTS:
            return _PARTS[fault](self.size) in range(1, self.size)
        if fault is Fault.SHORT:
            return self.size > 1
        if fault in (Fault.FULL, Fault.FULL_ONCE):
            return self.name in _NEEDS_ROOM
        if fault is Fault.READ_ONLY:
            return self.name not in ("open", "fsync", "flock")
        return True


class Injector:
    """Counts the operations below a folder; at one of them a fault happens."""

    def __init__(
        self,
        root: Path,
        at: int | None = None,
        fault: Fault | None = None,
        on_moment: Callable[[Fault, int], None] | None = None,
    ) -> None:
        """Do nothing yet; without a fault operations are counted alone.

        `on_moment` is called wherever a kill could happen, with the folder as the kill would leave
        it: what is written in part for it is taken back afterwards.
        """
        self.operations: list[Operation] = []
        self._on_moment = on_moment
        self._root = os.path.join(os.path.abspath(root), "")
        self._at, self._fault = at, fault
        self._files: dict[int, str] = {}
        """Open descriptors below the root."""
        self._really_truncate = os.ftruncate

    def install(self) -> None:
        """Patch this process, for good."""
        self._patch_open()
        for name in ("write", "pwrite"):
            self._patch(os, name, self._of_descriptor, writes=True)
        for name in ("fsync", "ftruncate"):
            self._patch(os, name, self._of_descriptor)
        for name in ("replace", "rename", "link"):
            self._patch(os, name, lambda _, to, **__: self._of_path(to))
        for name in ("truncate", "unlink", "remove", "mkdir", "rmdir"):
            self._patch(os, name, lambda path, *_, **__: self._of_path(path))
        self._patch(fcntl, "flock", self._of_descriptor)
        # By calls that are counted, then, and by whole paths.
        shutil._USE_CP_SENDFILE = shutil._use_fd_functions = False
        builtins.open = io.open = _pyio.open

    def _patch_open(self) -> None:
        real_open, real_close = os.open, os.close

        def opened(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
            file = None if "dir_fd" in more else self._of_path(path)
            if file is None:
                return real_open(path, flags, mode, **more)
            creates = flags & os.O_CREAT and not os.path.lexists(path)
            changes = flags & (os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_RDWR)
            name = "create" if creates else "change" if changes else "open"
            fd: int = self._perform(Operation(name, file), lambda: real_open(path, flags, mode))
            self._files[fd] = file
            return fd

        def close(fd: int) -> None:
            self._files.pop(fd, None)
            real_close(fd)

        os.open, os.close = opened, close

    def _patch(
        self, module: Any, name: str, find: Callable[..., str | None], *, writes: bool = False
    ) -> None:
        real = getattr(module, name)

        def faulty(*args: Any, **more: Any) -> Any:
            file = find(*args, **more)
            if file is None:
                return real(*args, **more)
            if not writes:
                return self._perform(Operation(name, file), lambda: real(*args, **more))
            fd, data, *rest = args
            data = bytes(data)
            return self._perform(
                Operation(name, file, len(data)),
                lambda: real(fd, data, *rest),
                lambda size: real(fd, data[:size], *rest),
                fd,
            )

        setattr(module, name, faulty)

    def _of_path(self, path: Any) -> str | None:
        if isinstance(path, int):
            return self._of_descriptor(path)
        whole = os.path.abspath(os.fsdecode(path))
        inside = whole.startswith(self._root) or whole + os.sep == self._root
        return (whole[len(self._root) :] or ".") if inside else None

    def _of_descriptor(self, fd: Any, *_: Any) -> str | None:
        return self._files.get(fd if isinstance(fd, int) else fd.fileno())

    def _perform(
        self,
        operation: Operation,
        whole: Callable[[], Any],
        part: Callable[[int], Any] | None = None,
        fd: int = -1,
    ) -> Any:
        number, fault = len(self.operations), self._fault
        self.operations.append(operation)
        if self._on_moment is not None:
            return self._stop_at_each_moment(number, whole, part, fd)
        if self._at is None or number < self._at or fault is None:
            return whole()
        if number > self._at:
            if fault in _LASTING and operation.meets(Fault.FULL if fault is Fault.SHORT else fault):
                raise self._refusal(fault, operation)
            return whole()
        if fault is Fault.KILL_BEFORE:
            _die()
        if fault in _PARTS:
            assert part is not None
            part(_PARTS[fault](operation.size))
            _die()
        if fault is Fault.KILL_AFTER:
            with contextlib.suppress(OSError):  # it may be one that fails anyway
                whole()
            _die()
        if fault is Fault.SHORT:
            assert part is not None
            return part(operation.size // 2)
        if fault is Fault.SLOW:
            time.sleep(SLOW_SECONDS)
            return whole()
        raise self._refusal(fault, operation)

    def _stop_at_each_moment(
        self,
        number: int,
        whole: Callable[[], Any],
        part: Callable[[int], Any] | None,
        fd: int,
    ) -> Any:
        assert self._on_moment is not None
        self._on_moment(Fault.KILL_BEFORE, number)
        for fault, size_of in _PARTS.items():
            if part is not None and self.operations[number].meets(fault):
                size, place = os.fstat(fd).st_size, os.lseek(fd, 0, os.SEEK_CUR)
                part(size_of(self.operations[number].size))
                self._on_moment(fault, number)
                self._really_truncate(fd, size)  # all writes of ours are at the end of a file
                os.lseek(fd, place, os.SEEK_SET)
        try:
            return whole()
        finally:
            self._on_moment(Fault.KILL_AFTER, number)

    def _refusal(self, fault: Fault, operation: Operation) -> OSError:
        code = _ERRNO[fault]
        if operation.name in _BY_DESCRIPTOR:  # the system does not say which file it was
            return OSError(code, os.strerror(code))
        return OSError(code, os.strerror(code), self._root + operation.file)


def _die() -> None:
    """End as by `kill -9`: nothing is flushed, nothing cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)
