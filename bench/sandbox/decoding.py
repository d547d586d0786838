"""Turns what came back from a node into an `Execution`.

This is where untrusted bytes are parsed. A program can forge a report; what it forges is its own
result, and only if its process then sleeps, or ends with exit code 0, before its deadline.
"""

from __future__ import annotations

import math
import signal
import struct
from dataclasses import dataclass

from bench.sandbox.execution import Execution, Status
from bench.sandbox.wire import BOUND, ENDINGS, RESULT

_OK = bytes([ENDINGS.index("ok")])


@dataclass(frozen=True, slots=True)
class Reply:
    """What the supervisor knows of one child."""

    exit_code: int | None
    """Minus the signal's number when killed; `None` when nobody knows; 0 too while it lives."""
    result: bytes
    """Its report, in full; empty when there is none."""
    overdue: bool = False
    """Whether it had not reported, or not ended, or not gone to sleep, at its deadline."""
    starved: bool = False
    """Whether the machine gave it no time to do so."""
    malformed: bool = False
    """Whether it said what is no report."""
    killed: bool = False
    """Whether it, or its zygote, was ended from outside, as by the kernel when memory runs out."""
    holds_files: bool = False
    """Whether it was seen to hold open files, whatever it said."""
    born: bool = True
    """Whether there was a process at all; there is none when its parent died or may not fork."""
    seconds: float = 0.0
    """Wall clock, from order to reply, ancestors included."""

    @property
    def ok(self) -> bool:
        """Whether the program is said to have run to its end."""
        return self.result[:1] == _OK

    @property
    def bound(self) -> bool:
        """Whether the node holds what a fork would share, and is not to be continued."""
        if self.holds_files or len(self.result) < RESULT.size:
            return True
        return bool(RESULT.unpack_from(self.result)[1] & BOUND)


def decode(reply: Reply, *, code: str, parent: Execution | None, timeout: float) -> Execution:
    """Judge how the child ended, and read its report if it ended well."""
    if reply.overdue:
        status, error = Status.TIMEOUT, f"stopped after {timeout:g} s"
        return Execution(status, "", error, reply.seconds, code, parent)
    if reply.exit_code != 0:
        error = _cause_of_death(reply.exit_code)
        return Execution(Status.CRASHED, "", error, reply.seconds, code, parent)
    if reply.malformed:
        return Execution(Status.CRASHED, "", "malformed report", reply.seconds, code, parent)
    try:
        ending, _, seconds, out, err = RESULT.unpack_from(reply.result)
        status = Status(ENDINGS[ending])
    except (struct.error, IndexError):
        return Execution(Status.CRASHED, "", "ended without a report", reply.seconds, code, parent)
    text = reply.result[RESULT.size :]
    if len(text) != out + err or not math.isfinite(seconds):
        return Execution(Status.CRASHED, "", "malformed report", reply.seconds, code, parent)
    return Execution(
        status=status,
        stdout=text[:out].decode("utf-8", "ignore"),  # the limit may cut a character in two
        error="" if status is Status.OK else _line(text[out:]),
        seconds=min(max(seconds, 0.0), reply.seconds),
        code=code,
        parent=parent,
    )


def _line(data: bytes) -> str:
    return " ".join(data.decode("utf-8", "ignore").split())


def _cause_of_death(exit_code: int | None) -> str:
    if exit_code is None:
        return "the interpreter, or its parent, is gone"
    if exit_code > 0:
        return f"the interpreter ended with status {exit_code}"
    try:
        return f"the interpreter was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"the interpreter was killed by signal {-exit_code}"
