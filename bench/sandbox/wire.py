"""The frames between supervisor, keeper, zygote and nodes: fixed headers and UTF-8, nothing else.

No pickle, marshal or JSON from within: a node is untrusted, and decoding its bytes must not be able
to do more than fail. What is trusted is said below; a node's report is checked field by field by
`bench.sandbox.decoding`. Streams, so that every system has them.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

LENGTH = struct.Struct("!I")
"""Before the settings, supervisor to keeper, and before the reason of a `FAILED`."""
READY, FAILED = b"R", b"F"
"""By keeper or zygote, once, before any untrusted code runs. `READY` carries the fork gate."""
ABOUT = struct.Struct("!iI")
"""After `READY`: the uid of programs, the version of Landlock."""
DEATH = struct.Struct("!iid")
"""Keeper to supervisor: a pid, its exit code or minus the signal that ended it, seconds of CPU."""
ORDER = struct.Struct("!BI")
"""Supervisor to node: flags, bytes that follow. With it come the socket of the node to be, and what
it is to have as its descriptors 0 to 2."""
PROGRAM = struct.Struct("!QI")
"""For each program of an order: its seed, its length."""
KEEP = 1
"""Flag of an order: stay, paused, for orders to come."""
CALL = 2
"""Flag of an order that only asks whether a node waits for orders. In place of the number of bytes
it has a word that nobody can guess."""
PRESENT = struct.Struct("!I")
"""A node's answer to that: the word."""
HELLO = b"H"
"""A node's first byte, before it runs anything: the kernel adds whose pid it is."""
RESULT = struct.Struct("!BBdII")
"""A node's report: index in `ENDINGS`, flags, seconds, lengths of its output and of its error."""
BOUND = 1
"""Flag of a result: files are open whose offsets forks would share, or descriptors 0 to 2 are not
what they were; not to be kept."""
ENDINGS = ("ok", "error", "memory", "output_limit", "crashed")
MAX_ERROR = 500
"""Bytes of error message: a program chooses the text of its exception, and its length."""


class Program(NamedTuple):
    """What a node runs: text, and what chance is seeded with before it."""

    seed: int
    code: str


def pack_order(programs: Sequence[Program], *, keep: bool) -> bytes:
    """Return the order to run these programs, in one process, and report on the last."""
    body = b""
    for program in programs:
        text = program.code.encode()
        body += PROGRAM.pack(program.seed, len(text)) + text
    return ORDER.pack(KEEP if keep else 0, len(body)) + body


def pack_call(word: int) -> bytes:
    """Return the order to send back this word."""
    return ORDER.pack(CALL, word)


def unpack_programs(data: bytes) -> list[Program]:
    """Return the programs of an order's body."""
    programs, start = [], 0
    while start < len(data):
        seed, length = PROGRAM.unpack_from(data, start)
        start += PROGRAM.size + length
        programs.append(Program(seed, data[start - length : start].decode()))
    return programs


def receive(stream: socket.socket, size: int) -> bytes:
    """Read exactly `size` bytes; `EOFError` when the other end is gone."""
    data = b""
    while len(data) < size:
        chunk = stream.recv(size - len(data))
        if not chunk:
            raise EOFError("the other end is gone")
        data += chunk
    return data


def send_failure(stream: socket.socket, reason: str) -> None:
    """Say why nothing will be ready."""
    text = reason.encode("utf-8", "backslashreplace")
    stream.sendall(FAILED + LENGTH.pack(len(text)) + text)
