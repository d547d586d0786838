"""The frames between supervisor, zygote and child: fixed headers and UTF-8, nothing else.

No pickle, marshal or JSON: a child is untrusted, and decoding its bytes must not be able to do more
than fail. Two sockets' worth of rules: the supervisor and the zygote trust each other's frames and
stay in step; a child's `RESULT` is checked field by field by `bench.sandbox.decoding`.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

RUN, KILL, READY = b"R", b"K", b"+"
"""Supervisor to zygote: a program follows; end the one that runs. Zygote to supervisor: warm."""
REQUEST = struct.Struct("!II")
"""After `RUN`: the limit on CPU seconds, the length of the chain in bytes."""
LENGTH = struct.Struct("!I")
"""Before each program of a chain."""
REPLY = struct.Struct("!iI")
"""Zygote to supervisor: the child's exit code, or minus its signal; length of the result."""
RESULT = struct.Struct("!BdII")
"""By the child: index in `ENDINGS`, seconds, lengths of its output and of its error."""
ENDINGS = ("ok", "error", "memory", "output_limit", "crashed")
MAX_ERROR = 500
"""Bytes of error message: a program chooses the text of its exception, and its length."""


def join(chain: Sequence[str]) -> bytes:
    """Pack the programs of a chain; a lone surrogate raises `UnicodeEncodeError`."""
    programs = [code.encode() for code in chain]
    return b"".join(LENGTH.pack(len(program)) + program for program in programs)


def split(data: bytes) -> list[str]:
    """Unpack what `join` packed."""
    chain, start = [], 0
    while start < len(data):
        (length,) = LENGTH.unpack_from(data, start)
        start += LENGTH.size + length
        chain.append(data[start - length : start].decode())
    return chain


def receive(stream: socket.socket, size: int) -> bytes:
    """Read exactly `size` bytes; `EOFError` when the other end is gone."""
    data = b""
    while len(data) < size:
        chunk = stream.recv(size - len(data))
        if not chunk:
            raise EOFError("the supervisor is gone")
        data += chunk
    return data
