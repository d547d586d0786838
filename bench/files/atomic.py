"""Writes that happen as a whole or not at all, so that no reader meets half of one.

`append` is whole unless the machine dies in the middle of it, `replace` even then. What a death
leaves of an append is for the reader of that format to find: `bench.files.lines`,
`bench.files.shards`.
"""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path


def append(file: Path, data: bytes, *, sync: bool = False) -> None:
    """Append `data` in one write, or leave the file as it was and raise OSError."""
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
    """Write a whole file, so that at every moment the old or the new one is there."""
    half = file.with_name(file.name + ".new")
    half.write_bytes(data)
    with half.open("rb") as stream:
        os.fsync(stream.fileno())
    half.replace(file)


def replace_json(file: Path, data: object) -> None:
    """Write a whole JSON file for people: indented, with a newline at its end."""
    replace(file, (json.dumps(data, indent=2) + "\n").encode())
