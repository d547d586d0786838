"""Writes that happen as a whole or not at all, so that no reader meets half of one.

`append` is whole unless the machine dies in the middle of it, `replace` even then. What a death
leaves of an append is for the reader of that format to find: `bench.files.lines`,
`bench.files.shards`. What is no regular file (a pipe, a terminal, /dev/null), and what is this
process's own output, has no whole: it is written to as it is. Every OSError names the file.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def append(file: Path, data: bytes, *, sync: bool = False) -> None:
    """Append `data` in one write, or leave the file as it was and raise OSError."""
    with _naming(file):
        if _is_stream(file):
            _write_through(file, data)
            return
        fd = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            before = os.fstat(fd).st_size
            written = os.write(fd, data)
            if written < len(data):  # the disk is full: the next append must not follow half a line
                os.ftruncate(fd, before)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)


def replace(file: Path, data: bytes) -> None:
    """Write a whole file, so that at every moment the old or the new one is there.

    A link stays one; what it names is replaced. Raises OSError, and then the old file is there.
    """
    with _naming(file):
        if _is_stream(file):
            _write_through(file, data)
            return
        target = file.resolve() if file.is_symlink() else file
        half = target.with_name(target.name + ".new")
        try:
            half.write_bytes(data)
            with half.open("rb") as stream:
                os.fsync(stream.fileno())
            half.replace(target)
        except BaseException:
            with suppress(OSError):
                half.unlink()
            raise


def replace_json(file: Path, data: object) -> None:
    """Write a whole JSON file for people: indented, with a newline at its end."""
    replace(file, (json.dumps(data, indent=2) + "\n").encode())


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Have errors name the file that was meant, not the half beside it or nothing."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(file), None
        raise


def _is_stream(file: Path) -> bool:
    """Whether a file is there that cannot be replaced by another. Raises OSError for a folder."""
    try:
        there = file.stat()
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(there.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return not stat.S_ISREG(there.st_mode) or _own_output(there) is not None


def _own_output(there: os.stat_result) -> int | None:
    """Return which of this process's outputs a file is, as `/dev/stdout > file` is; or None."""
    for fd in (1, 2):
        with suppress(OSError):
            if os.path.samestat(there, os.fstat(fd)):
                return fd
    return None


def _write_through(file: Path, data: bytes) -> None:
    """Write to what is there, all of it; after what was printed, where that is the same."""
    own = _own_output(file.stat())
    if own is not None:
        sys.stdout.flush()
    fd = os.open(file, os.O_WRONLY) if own is None else own
    try:
        while data:
            data = data[os.write(fd, data) :]
    finally:
        if own is None:
            os.close(fd)
