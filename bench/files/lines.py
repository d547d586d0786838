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


def scan(file: Path, parse: Callable[[Any], T]) -> Scan[T]:
    """Read every line of a file, good or bad; an absent file is an empty one.

    Args:
        file: the file, which is not touched.
        parse: makes a line's value of its JSON; raises ValueError or TypeError for a bad line.
    """
    raws = _content(file).split(b"\n")
    lines = tuple(_read(number, raw, parse) for number, raw in enumerate(raws[:-1], start=1))
    return Scan(lines, raws[-1])


def cut_half_line(file: Path) -> None:
    """Cut off what follows the last newline: the process died while writing it."""
    data = _content(file)
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        number = data.count(b"\n") + 1
        log.warning("%s: cut off line %d, half-written (%d bytes)", file, number, len(data) - whole)
        os.truncate(file, whole)


def set_aside_unreadable(file: Path, rejected: Path, parse: Callable[[Any], object]) -> None:
    """Move lines that `scan` cannot read to `rejected`, so that their problems are run again."""
    lines = scan(file, parse).lines
    bad = [line for line in lines if line.value is None]
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
    replace(file, b"".join(line.raw + b"\n" for line in lines if line.value is not None))


def _read(number: int, raw: bytes, parse: Callable[[Any], T]) -> Line[T]:
    """Read one line, or say why it cannot be read."""
    try:
        return Line(number, raw, parse(decode(raw)), "")
    except (ValueError, TypeError, OverflowError) as error:  # 10**400 is JSON, and no float
        return Line(number, raw, None, str(error))


def _content(file: Path) -> bytes:
    """Return what a file holds: nothing where it is absent, or a pipe or a device. Raises OSError.

    Nothing that was written to these is there to be read again, and reading them would wait.
    """
    if not file.exists() or not (file.is_file() or file.is_dir()):
        return b""
    return file.read_bytes()
