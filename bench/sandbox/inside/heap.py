"""Lays this process's memory on a file, so that a fork of it costs what it uses, not what it holds.

A fork copies an entry of the page table for each page of memory that belongs to no file, and the
child's end clears them again: fifteen thousand for a warm interpreter, which is most of what a
small step costs. Pages of a file are left out, since a fault can bring them back. So the warm
zygote writes its memory to a file without a name and maps that in its place, privately: nothing
that is written later reaches the file, which is sealed and closed.

Between writing and mapping nobody may change that memory, and the interpreter would. The calls are
therefore chained as contexts of libc (makecontext(3)), each of which returns into the next.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

_libc = ctypes.PyDLL(None, use_errno=True)
AVAILABLE = hasattr(_libc, "makecontext") and hasattr(os, "memfd_create")
"""Whether libc has contexts, which musl has not; then memory stays where it is."""

_MOST_AREAS, _SMALLEST_AREA = 100, 64 << 10
_PROTECTION = {"r--p": mmap.PROT_READ, "rw-p": mmap.PROT_READ | mmap.PROT_WRITE}
_MAP_FIXED = 16
_POOL, _SIZES = 16 << 10, range(32, 513, 16)
"""Pools of pymalloc, the interpreter's allocator: bytes of a pool, and the block sizes it
serves."""
_BYTES_HEAD = b"".__sizeof__()
_MOST_PLUGS = 20_000
_CONTEXT, _STACK = 8 << 10, 16 << 10
"""Bytes for a context (4.5 KiB on aarch64), and for what a system call's wrapper needs."""


Call = tuple[str, *tuple[int, ...]]
"""The name of a function of libc, and its arguments."""


class Area(NamedTuple):
    """A stretch of this process's memory."""

    start: int
    size: int
    access: int
    """What may be done with it, as mmap(2) is told."""


def lay_on_file(smaps: int) -> int:
    """Put the memory that is this process's own on a file; return how many bytes that is.

    Args:
        smaps: an open /proc/self/smaps.

    Raises OSError where the file cannot be made or filled; memory is then as it was.
    """
    if not AVAILABLE:
        return 0
    fd = os.memfd_create("heap", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        chain = CallChain(
            2 * _MOST_AREAS
        )  # first, lest it take the place of an area that is given up
        with open(smaps, closefd=False) as lines:
            areas = heapq.nlargest(_MOST_AREAS, own(lines), key=lambda area: area.size)
        offsets = [0, *accumulate(area.size for area in areas)]
        size = offsets.pop()
        if size:
            os.posix_fallocate(fd, 0, size)  # so that no write can end early
            flags = mmap.MAP_PRIVATE | _MAP_FIXED
            places = list(zip(areas, offsets, strict=True))
            writes: list[Call] = [("pwrite", fd, a.start, a.size, offset) for a, offset in places]
            maps: list[Call] = [
                ("mmap", a.start, a.size, a.access, flags, fd, offset) for a, offset in places
            ]
            chain.run([*writes, *maps])
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK)
    finally:
        os.close(fd)
    return size


def plug() -> list[object]:
    """Return objects that fill the gaps of the interpreter's heap; keep them.

    Its allocator prefers gaps, and has one for each size of object on another page. A node's first
    objects would each make the kernel copy a page; after this they lie side by side.
    """
    plugs: list[object] = []
    for size in _SIZES:
        in_order, last = 0, 0
        for _ in range(_MOST_PLUGS):
            plugs.append(bytes(size - _BYTES_HEAD) if size > _BYTES_HEAD else len(plugs) + 2**31)
            at = id(plugs[-1])
            in_order = in_order + 1 if last < at < last + _POOL else 0
            if in_order * size > 2 * _POOL:  # gaps do not come in order: these are new pages
                break
            last = at
    return plugs


def own(smaps: Iterable[str]) -> Iterator[Area]:
    """Read which areas are mostly pages of no file; not the stack, which is in use."""
    area, name = Area(0, 0, 0), ""
    for line in smaps:
        word, *rest = line.split(maxsplit=5)
        if not word.endswith(":"):
            start, end = (int(bound, 16) for bound in word.split("-"))
            area = Area(start, end - start, _PROTECTION.get(rest[0], 0))
            name = rest[4].strip() if len(rest) > 4 else ""
        elif word == "Anonymous:" and area.access and name != "[stack]":
            size = int(rest[0]) << 10
            if size >= _SMALLEST_AREA and 2 * size >= area.size:
                yield area


class CallChain:
    """Functions of libc, called one after the other with nothing of the interpreter in between."""

    def __init__(self, most: int) -> None:
        """Reserve memory for so many calls."""
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self._memory = mmap.mmap(-1, (most + 1) * (_CONTEXT + _STACK), flags)

    def run(self, calls: Sequence[Call]) -> None:
        """Call them; what they return is lost. Works once."""
        room = _CONTEXT + _STACK
        anchor = ctypes.c_char.from_buffer(self._memory)
        home = ctypes.addressof(anchor)
        for number, (name, *arguments) in enumerate(calls, 1):
            context = home + number * room
            _checked(_libc.getcontext(ctypes.c_void_p(context)))
            # Flags; the context that follows; the stack's start, its flags, its size.
            head = (ctypes.c_ulong * 5).from_address(context)
            head[1] = context + room if number < len(calls) else home
            head[2], head[4] = context + _CONTEXT, _STACK
            words = [ctypes.c_ulong(argument) for argument in arguments]
            _libc.makecontext(ctypes.c_void_p(context), getattr(_libc, name), len(words), *words)
        _checked(_libc.swapcontext(ctypes.c_void_p(home), ctypes.c_void_p(home + room)))
        del anchor
        self._memory.close()


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
