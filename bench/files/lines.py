"""Files that grow by a line of JSON: written, read with what is damaged named, and mended.

A line counts once its newline is there. Half a line at the end is what a kill leaves, and is cut
off; a line that cannot be read is set aside, never dropped. Reading alone changes nothing. What the
lines mean is their caller's business.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from bench.files.atomic import append, replace

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line(Generic[T]):
    """A terminated line; `value` is None where `fault` says why."""

    number: int
    raw: bytes
    value: T | None
    fault: str


@dataclass(frozen=True, slots=True)
class Scan(Generic[T]):
    """The terminated lines of a file, and what follows the last newline."""

    lines: tuple[Line[T], ...]
    tail: bytes


def encode(data: Mapping[str, Any]) -> bytes:
    """Return one line of JSON; ASCII, so that no text of a model's can fail to encode."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


def decode(raw: bytes) -> Any:
    """Return the value of a line, or of a whole text, of JSON. Raises ValueError, and nothing else.

    It is UTF-8; anything else, lone surrogates too, is damage.
    """
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def number_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of JSON that are not blank, each with its number from 1.

    Only a line feed ends a line: U+2028, U+0085 and a form feed may stand in its texts.
    """
    for number, raw in enumerate(data.split(b"\n"), start=1):
        if raw.strip():
            yield number, raw


HALF_WRITTEN = "it is half-written"
"""Fault of what follows the last newline."""


def stream(file: Path, parse: Callable[[Any], T]) -> Iterator[Line[T]]:
    """Yield every line of a file, good or bad, and hold one at a time; half a line comes last.

    An absent file is an empty one, and so is a pipe or a device: nothing that was written to these
    is there to be read again, and reading them would wait. Raises OSError.

    Args:
        file: the file, which is not touched.
        parse: makes a line's value of its JSON; raises ValueError or TypeError for a bad line.
    """
    if not _holds_bytes(file):
        return
    with file.open("rb") as raws:
        for number, raw in enumerate(raws, start=1):
            if raw.endswith(b"\n"):
                yield _read(number, raw[:-1], parse)
            else:
                yield Line(number, raw, None, HALF_WRITTEN)


def scan(file: Path, parse: Callable[[Any], T]) -> Scan[T]:
    """Read every line of a file, as `stream` does, into memory."""
    lines = list(stream(file, parse))
    tail = lines.pop().raw if lines and lines[-1].fault is HALF_WRITTEN else b""
    return Scan(tuple(lines), tail)


_BLOCK = 1 << 16


def cut_half_line(file: Path) -> None:
    """Cut off what follows the last newline: the process died while writing it."""
    if not _holds_bytes(file):
        return
    size = file.stat().st_size
    whole = _find_end_of_lines(file, size)
    if whole < size:
        with file.open("rb") as raws:
            number = 1 + sum(raw.endswith(b"\n") for raw in raws)
        log.warning("%s: cut off line %d, half-written (%d bytes)", file, number, size - whole)
        os.truncate(file, whole)


def _find_end_of_lines(file: Path, size: int) -> int:
    """Return the offset behind the last newline: 0 where there is none."""
    with file.open("rb") as raw:
        for start in range((size - 1) // _BLOCK * _BLOCK, -1, -_BLOCK):
            raw.seek(start)
            found = raw.read(min(_BLOCK, size - start)).rfind(b"\n")
            if found >= 0:
                return start + found + 1
    return 0


def set_aside_unreadable(file: Path, rejected: Path, parse: Callable[[Any], object]) -> None:
    """Move lines that `scan` cannot read to `rejected`, so that their problems are run again."""
    bad = [line for line in stream(file, parse) if line.value is None]
    if not bad:
        return
    for line in bad:
        log.warning(
            "%s, line %d is unreadable (%s): moved to %s, its problem is run again",
            file,
            line.number,
            line.fault,
            rejected.name,
        )
    # Saved before removed: dying between the two costs a duplicate, not a line.
    append(rejected, b"".join(line.raw + b"\n" for line in bad), sync=True)
    good = (line.raw + b"\n" for line in stream(file, parse) if line.value is not None)
    replace(file, b"".join(good))


def _read(number: int, raw: bytes, parse: Callable[[Any], T]) -> Line[T]:
    """Read one line, or say why it cannot be read."""
    try:
        return Line(number, raw, parse(decode(raw)), "")
    except (ValueError, TypeError, OverflowError) as error:  # 10**400 is JSON, and no float
        return Line(number, raw, None, str(error))


def _holds_bytes(file: Path) -> bool:
    """Whether a file can be read again. A folder counts, too: reading it raises OSError."""
    return file.exists() and (file.is_file() or file.is_dir())
