"""Files that grow by a gzip member: each can be read alone, and damage to one hides no other.

A shard without a half-written end is also one ordinary gzip file. What the members hold is not this
module's business.
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.files.atomic import append

log = logging.getLogger(__name__)

_MAGIC = b"\x1f\x8b\x08"


@dataclass(frozen=True, slots=True)
class Member:
    """A complete gzip member and the offset of its end."""

    text: bytes
    end: int


def members(shard: Path) -> Iterator[Member]:
    """Yield the complete members of a shard, passing over damaged bytes between them."""
    data = shard.read_bytes()
    start = data.find(_MAGIC)
    while start >= 0:
        inflate = zlib.decompressobj(wbits=31)
        with contextlib.suppress(zlib.error):
            text = inflate.decompress(memoryview(data)[start:])
            if inflate.eof:
                end = len(data) - len(inflate.unused_data)
                yield Member(text, end)
                start = data.find(_MAGIC, end)
                continue
        log.warning("%s: no complete tree at byte %d, passed over", shard, start)
        start = data.find(_MAGIC, start + 1)


def append_member(shard: Path, text: bytes) -> None:
    """Append one member; equal texts give equal bytes, whenever they are written."""
    append(shard, gzip.compress(text, compresslevel=6, mtime=0))


def cut_half_member(shard: Path) -> None:
    """Cut off a half-written member at the end: other gzip readers stop there."""
    end = max((m.end for m in members(shard)), default=0)
    if end < shard.stat().st_size:
        log.warning("%s: cut off the half-written tree after byte %d", shard, end)
        os.truncate(shard, end)
