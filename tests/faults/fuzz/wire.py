"""A node's end of the wire: whatever it says, its report is its own, or a named failure."""

from __future__ import annotations

import asyncio
import struct

from bench.sandbox.decoding import Reply, decode
from bench.sandbox.execution import Execution
from bench.sandbox.nodes import End, LiveNode, socket_pair
from bench.sandbox.wire import ENDINGS, MAX_ERROR, RESULT, Program, pack_order, unpack_programs

ROOM = 256
"""Bytes of output that a program may print here."""
_loop = asyncio.new_event_loop()


def _report(ending: int, out: bytes, err: bytes = b"", seconds: float = 0.1) -> bytes:
    return RESULT.pack(ending, 0, seconds, len(out), len(err)) + out + err


SEEDS = (
    b"\x00" + _report(0, b"42\n"),
    b"\x01" + _report(1, b"", b"ZeroDivisionError: division by zero"),
    b"\x02" + _report(0, b"\xff\xfe", seconds=float("nan")),
    b"\x03" + _report(0, b"twice") * 2,
    b"\x00" + struct.pack("!BBdII", 0, 1, 0.1, 0xFFFFFFFF, 0xFFFFFFFF),
    b"\x01" + _report(0, b"x" * ROOM)[:-1],
    b"\x04" + b"\xf0\x9f\x98\x80 print(1) \x00",
)
FOUND: tuple[bytes, ...] = ()


def try_input(data: bytes) -> None:
    """Let a node say these bytes, in pieces, and read what it said."""
    if not data:
        return
    flags, said = data[0], data[1:]
    programs = [Program(7, text) for text in said.decode("utf-8", "replace").split("\x00")]
    order = pack_order(programs, keep=False)
    if unpack_programs(order[-sum(12 + len(p.code.encode()) for p in programs) :]) != programs:
        raise AssertionError("an order is read as another")
    outcome = _loop.run_until_complete(_listen(said, pieces=1 + flags % 7, keep=bool(flags & 8)))
    malformed, result = outcome is End.MALFORMED, outcome if isinstance(outcome, bytes) else b""
    if result and not said.startswith(result):
        raise AssertionError("a report is made of what was not said")
    for code in (0, 1, -9, None):
        reply = Reply(code, result, overdue=outcome is End.OVERDUE, malformed=malformed)
        found = decode(reply, code="", parent=None, timeout=1.0)
        _check(found, result)
        if code != 0 and found.stdout:
            raise AssertionError("a process that failed has output")
    _ = Reply(0, result).bound, Reply(0, result).ok


def _check(found: Execution, result: bytes) -> None:
    honest = result[:1] and result[0] < len(ENDINGS)
    if found.ok and not (honest and ENDINGS[result[0]] == "ok"):
        raise AssertionError(f"{result!r} counts as a success")
    if len(found.stdout.encode()) > ROOM + MAX_ERROR or "\n" in found.error:
        raise AssertionError(f"{result!r} is too large, or its error is not one line")
    if found.seconds < 0 or found.seconds != found.seconds:
        raise AssertionError(f"{result!r} took {found.seconds} s")


async def _listen(said: bytes, *, pieces: int, keep: bool) -> bytes | End:
    """Return what becomes of a node that says this and hangs up."""
    ours, theirs = socket_pair()
    with theirs:
        node = LiveNode(ours, room=RESULT.size + ROOM + MAX_ERROR, leaf=not keep)
        size = max(1, -(-len(said) // pieces))
        try:
            for start in range(0, len(said), size):
                try:
                    theirs.sendall(said[start : start + size])
                except OSError:  # it was hung up on
                    break
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        finally:
            theirs.close()
        node.bury(0)
        for _ in range(4):
            await asyncio.sleep(0)
        if not node.outcome.done():
            node.settle(End.CLOSED)
        node.drop()
        return node.outcome.result()
