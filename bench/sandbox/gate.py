"""The supervisor's half of the fork gate: a fork happens if it was ordered, and not otherwise.

The kernel stops a node in the middle of `clone`, asks here, and goes on or fails as told. A grant
is for one fork by one pid, as the kernel names it; nothing that the node says takes part. Who asks
without end is not answered any more: it waits in the kernel, at no cost, until its time is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import select
import struct
from collections import Counter

_NOTIFICATION = struct.Struct("=QII64x")
_RESPONSE = struct.Struct("=QqiI")
_RECEIVE, _SEND = 0xC0502100, 0xC0182101
_CONTINUE = 1
_ANSWERS = 256
"""Refusals that one process may hear."""


class ForkGate:
    """Answers for one family of processes."""

    def __init__(self, fd: int) -> None:
        """Take over the descriptor that the zygote sent; -1 where forks are free."""
        self._fd = fd
        self._grants: Counter[int] = Counter()
        self.answered: Counter[int] = Counter()
        """Answers by pid: until it has one, a process waits for us."""
        self.refused = 0
        """Forks that nobody ordered."""
        self._refusals: Counter[int] = Counter()
        self._questions = select.poll()
        if fd >= 0:
            os.set_blocking(fd, False)
            self._questions.register(fd, select.POLLIN)
            asyncio.get_running_loop().add_reader(fd, self._answer)

    def grant(self, pid: int) -> None:
        """Let this process fork once more."""
        if self._fd >= 0:
            self._grants[pid] += 1

    def forget(self, pid: int) -> None:
        """Take back what a dead process did not use."""
        self._grants.pop(pid, None)
        self._refusals.pop(pid, None)
        self.answered.pop(pid, None)

    def close(self) -> None:
        """Stop answering; who still asks is refused by the kernel."""
        if self._fd >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _answer(self) -> None:
        # An event loop takes errors for something to read, and a poll that a signal interrupts may
        # report one. But where nobody asks, the call below waits until somebody does, whatever the
        # descriptor's flags say, and everything with it.
        if not any(event & select.POLLIN for _, event in self._questions.poll(0)):
            return
        question = bytearray(_NOTIFICATION.size)
        try:
            fcntl.ioctl(self._fd, _RECEIVE, question, True)
        except OSError:  # who asked has been killed
            return
        number, pid, _ = _NOTIFICATION.unpack(question)
        if granted := self._grants[pid] > 0:
            self._grants[pid] -= 1
        else:
            self.refused += 1
            self._refusals[pid] += 1
            if self._refusals[pid] > _ANSWERS:
                return
        self.answered[pid] += 1
        answer = (0, _CONTINUE) if granted else (-errno.EAGAIN, 0)
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._fd, _SEND, bytearray(_RESPONSE.pack(number, 0, *answer)), True)
