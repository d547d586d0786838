"""A node as the supervisor sees it: a socket, a pid that the kernel vouches for, a report to come.

A node is known by which socket it speaks on, never by what it says; its pid comes from the kernel,
with its first byte; it is ended by a handle, on every way out. Descriptors that it might send are
dropped by the kernel, as no room is made for them. Whatever it says beyond one report, and one
answer to a call, is held against it.

A report does not say that its node is at rest. One that is to be kept is called, with a word that
it cannot guess and its own code sends back from where it waits for orders; then its clock is read,
and what it computes from there on must be what its orders cost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Callable
from enum import Enum, auto

from bench.sandbox.vitals import Handle, cpu_seconds, vitals
from bench.sandbox.wire import HELLO, PRESENT, RESULT, pack_call

_CREDENTIALS = struct.Struct("3i")
_ROOM = socket.CMSG_SPACE(_CREDENTIALS.size)
_PASS_CREDENTIALS = getattr(socket, "SO_PASSCRED", None)
_IDLE_CPU, _FORK_CPU = 0.05, 0.25
"""Seconds that a paused node may compute: to go to sleep, and for each fork that it is ordered."""
_GROWTH, _GROWTH_CPU = 64 << 20, 0.005
"""Bytes that it may come to hold, as each fork makes it copy the pages that it then writes to; and
the seconds below which it cannot have done more."""


class End(Enum):
    """Why there is no report."""

    CLOSED = auto()
    OVERDUE = auto()
    """It had its time."""
    STARVED = auto()
    """The machine gave it none."""
    MALFORMED = auto()


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Return our end, on which the kernel says who is speaking, and a node's."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    if _PASS_CREDENTIALS is not None:
        ours.setsockopt(socket.SOL_SOCKET, _PASS_CREDENTIALS, 1)
    return ours, theirs


def sender(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """Return the pid that the kernel put beside a message."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == getattr(socket, "SCM_CREDENTIALS", None):
            pid: int = _CREDENTIALS.unpack_from(data)[0]
            return pid
    return None


class LiveNode:
    """A process that has run a chain of programs, or is about to."""

    def __init__(
        self,
        ours: socket.socket,
        *,
        room: int = 0,
        cpu: int | None = None,
        leaf: bool = False,
        on_birth: Callable[[LiveNode], bool] | None = None,
    ) -> None:
        """Listen on our end; `room` bytes are the largest honest report, `cpu` a limit in seconds.

        A `leaf` has to end, too, before its report counts.

        `on_birth` is called once the pid is known, and says whether it can be true.
        """
        loop = asyncio.get_running_loop()
        self.pid: int | None = None
        self.pins = 0
        """Forks of it under way; while there are any it must live."""
        self.base: LiveNode | None = None
        """The node that it was forked from, whose pages it shares."""
        self.memory = 0
        """Bytes of its own, not its base's, when it paused."""
        self.outcome: asyncio.Future[bytes | End] = loop.create_future()
        self.died: asyncio.Future[int | None] = loop.create_future()
        """Its exit code, from the keeper; `None` when the keeper itself was lost."""
        self.spent: float | None = None
        """Seconds of CPU, from the keeper, too, so not before its death."""
        self.alive = True
        self.paused = False
        """Whether it has reported, sleeps, and is kept."""
        self.sending = asyncio.Lock()
        self._clock, self._allowance = 0.0, 0.0
        self._presence: asyncio.Future[End | None] | None = None
        self._answer = b""
        self._handle: Handle | None = None
        self._ours = ours
        self._data = b""
        self._complete = False
        self._room, self._cpu, self._leaf = room, cpu, leaf
        self._on_birth = on_birth
        self._loop = loop
        # By number: asyncio describes what it does not know yet, and a socket at length.
        loop.add_reader(ours.fileno(), self._read)

    def born(self, pid: int | None, cpu: int | None = None) -> None:
        """Take hold of the process; limit its seconds of CPU."""
        self.pid = pid
        self._handle = None if pid is None else Handle(pid)
        if self._handle is not None and cpu is not None:
            self._handle.limit_cpu(cpu)

    def settle(self, outcome: bytes | End) -> None:
        """Decide what became of it, unless that is decided."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    async def send(self, order: bytes, theirs: socket.socket) -> None:
        """Send an order, with the socket of the node to be and a null device of its own.

        Raises OSError when it is gone.
        """
        async with self.sending:
            self._allowance += _FORK_CPU
            null = os.open(os.devnull, os.O_RDWR)
            try:
                sent = socket.send_fds(self._ours, [order], [theirs.fileno(), null])
            finally:
                os.close(null)
            if sent < len(order):
                await self._loop.sock_sendall(self._ours, order[sent:])

    def call(self) -> asyncio.Future[End | None]:
        """Ask a node that has reported whether it waits for orders.

        `None` comes when it answers; else why it will not.
        """
        self._presence = self._loop.create_future()
        word = int.from_bytes(os.urandom(PRESENT.size))
        self._answer = PRESENT.pack(word)
        try:
            self._ours.send(pack_call(word))
        except OSError:
            self._presence.set_result(End.CLOSED)
        return self._presence

    def rest(self, memory: int) -> None:
        """Note that it waits, and what it holds; from here on its clock tells whether it does."""
        self.memory = memory
        self._clock = (None if self.pid is None else cpu_seconds(self.pid)) or 0.0
        self._allowance = _IDLE_CPU

    @property
    def restless(self) -> bool:
        """Whether, since it paused, it has worked for more than its orders, or grown."""
        if not self.paused or self.pid is None or (now := cpu_seconds(self.pid)) is None:
            return False
        computed = now - self._clock
        if computed > self._allowance:
            return True
        seen = vitals(self.pid) if computed > _GROWTH_CPU else None
        return seen is not None and seen.memory > self.memory + _GROWTH

    def drop(self) -> None:
        """End the process, whatever it does; calling again does nothing."""
        if not self.alive:
            return
        self.alive = False
        self._loop.remove_reader(self._ours.fileno())
        self._ours.close()
        if self._handle is not None:
            self._handle.kill()
        if self._presence is not None and not self._presence.done():
            self._presence.set_result(End.CLOSED)
        self.settle(End.CLOSED)

    def bury(self, code: int | None, spent: float | None = None) -> None:
        """Note how it ended."""
        if not self.died.done():
            self.spent = spent
            self.died.set_result(code)
        if self._leaf and self._complete:
            self.settle(self._data)

    @property
    def greeted(self) -> bool:
        """Whether it has said hello: there is, or was, such a process."""
        return self._on_birth is None

    @property
    def exit_code(self) -> int | None:
        """How it ended; `None` while it lives, and when nobody knows."""
        return self.died.result() if self.died.done() else None

    @property
    def gone(self) -> bool:
        """Whether it had been reaped already when its pid became known."""
        return self._handle is not None and self._handle.gone

    def _read(self) -> None:
        try:
            data, ancillary, _, _ = self._ours.recvmsg(1 << 16, _ROOM)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, ancillary = b"", []
        if data and self._on_birth is not None:
            self.born(sender(ancillary), self._cpu)
            believed, self._on_birth = self._on_birth(self), None
            if not believed or not data.startswith(HELLO):
                self._hang_up(End.MALFORMED)
                return
            data = data[len(HELLO) :]
            if not data:
                return
        elif not data:
            self._hang_up(None if self._complete and self._leaf else End.CLOSED)
            return
        self._data += data
        self._parse()

    def _parse(self) -> None:
        """See whether the report is complete; it may be nonsense, which others decide."""
        if self._complete:  # paused, or about to end, and speaks
            if self._presence is None or self._presence.done() or self._data != self._answer:
                self._hang_up(End.MALFORMED)
            else:
                self._presence.set_result(None)
            return
        if len(self._data) < RESULT.size:
            return
        *_, out, err = RESULT.unpack_from(self._data)
        size = RESULT.size + out + err
        if size > self._room or len(self._data) > size:
            self._hang_up(End.MALFORMED)
        elif len(self._data) == size:
            self._complete = True
            if not self._leaf or self.died.done() or self.pid is None:
                self.settle(self._data)
            if not self._leaf:
                self._data = b""

    def _hang_up(self, end: End | None) -> None:
        """Stop listening; who waits for it decides what to do about the process.

        Without an end, what happened is the end of a leaf that has reported: its death decides.
        """
        self._loop.remove_reader(self._ours.fileno())
        with contextlib.suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)
        if self._presence is not None and not self._presence.done():
            self._presence.set_result(end or End.CLOSED)
        elif self.outcome.done():
            self.drop()
        elif end is not None:
            self.settle(end)
