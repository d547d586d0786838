"""Turns what came back from a zygote into an `Execution`.

This is where untrusted bytes are parsed. A program can forge a report; what it forges is its own
result, and only if its process then ends by itself: a report counts only with exit code 0, in time.
"""

from __future__ import annotations

import math
import signal
import struct
from dataclasses import dataclass

from bench.sandbox.execution import Execution, Status
from bench.sandbox.wire import ENDINGS, RESULT


@dataclass(frozen=True, slots=True)
class Reply:
    """What the supervisor knows of one child."""

    exit_code: int | None
    """Minus the signal's number when killed; `None` when the zygote was lost with it."""
    result: bytes
    overdue: bool
    """Whether it was killed at its deadline."""
    seconds: float
    """Wall clock, from request to reply, ancestors included."""


def decode(reply: Reply, *, code: str, parent: Execution | None, timeout: float) -> Execution:
    """Judge how the child ended, and read its report if it ended well."""
    if reply.overdue:
        status, error = Status.TIMEOUT, f"stopped after {timeout:g} s"
        return Execution(status, "", error, reply.seconds, code, parent)
    if reply.exit_code != 0:
        error = _cause_of_death(reply.exit_code)
        return Execution(Status.CRASHED, "", error, reply.seconds, code, parent)
    try:
        ending, seconds, out, err = RESULT.unpack_from(reply.result)
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
        return "the interpreter's parent process died"
    if exit_code > 0:
        return f"the interpreter ended with status {exit_code}"
    try:
        return f"the interpreter was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"the interpreter was killed by signal {-exit_code}"
