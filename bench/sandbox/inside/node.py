"""A process that forks on order, and the node that each fork becomes.

The zygote is the first to serve; a node that is kept serves in its turn, so that a child starts
with all that its ancestors left: variables, imports, patches. Descriptor 3 is always the socket to
the supervisor; a node's first act is to put its own in the place of its parent's, so that it can
neither hear nor answer for it. A process is influenced by the programs of its own chain, only.
"""

from __future__ import annotations

import builtins
import gc
import os
import select
import signal
import socket
import stat
import struct
from typing import Any, NamedTuple, NoReturn

from bench.sandbox.inside import linux
from bench.sandbox.inside.program import Chance, run_all
from bench.sandbox.wire import (
    CALL,
    HELLO,
    KEEP,
    ORDER,
    PRESENT,
    Program,
    pack_call,
    pack_order,
    receive,
    unpack_programs,
)

CONTROL_FD = 3
_STANDARD_FDS = range(CONTROL_FD)
_FIRST_FREE_FD = 4
_DESCRIPTORS = struct.Struct("2i")
_ROOM = socket.CMSG_SPACE(_DESCRIPTORS.size)
_FREE_FDS = range(_FIRST_FREE_FD, 64)
_REHEARSALS = 32
_REHEARSED = ("apples = 3\nprint(apples * 14)", "pears = [apples]\nprint(pears, 0.5)", "1 / 0")


class Birth(NamedTuple):
    """What every node needs to come to life."""

    fork: linux.Fork
    keeper: int
    """The parent's pid as nodes see it."""
    output: int
    chance: Chance
    open_files: select.poll
    """Watches every descriptor that a program could have opened."""
    null: int
    """The device that descriptors 0 to 2 are, by its number."""


class Order(NamedTuple):
    """What the supervisor asks for, and what it sends along."""

    flags: int
    word: int = 0
    """Of a call: what to answer."""
    body: bytes = b""
    control: int = -1
    """The socket of the node to be."""
    null: int = -1
    """A /dev/null of its own, as whoever shares an open file shares what is set of it."""


def birth(*, keeper: int, output: int) -> Birth:
    """Prepare, before the policy forbids it, what nodes will use."""
    open_files = select.poll()
    for fd in _FREE_FDS:
        open_files.register(fd, 0)
    return Birth(linux.Fork(), keeper, output, Chance(), open_files, os.fstat(0).st_rdev)


def rehearse(birth: Birth) -> None:
    """Do in this process what nodes will do, but for the fork, until it leaves no more traces.

    The interpreter specializes code, fills caches and binds functions of libraries at first use,
    which writes to memory that each node would copy: half of what a small step touches.
    """
    supervisor, ours = socket.socketpair()
    control = os.dup(CONTROL_FD)
    for number in range(_REHEARSALS):
        report, unheard = socket.socketpair()
        with report, unheard:
            programs = [Program(number, text) for text in _REHEARSED]
            order = pack_order(programs, keep=True)
            socket.send_fds(supervisor, [order], [unheard.fileno(), 0])
            _live(birth, _receive_order(ours), _namespace())
            supervisor.send(pack_call(number))
            os.write(CONTROL_FD, PRESENT.pack(_receive_order(ours).word))
    os.dup2(control, CONTROL_FD, inheritable=False)
    os.close(control)
    supervisor.close()
    ours.close()


def serve(birth: Birth) -> NoReturn:
    """Fork a node for each order, until the supervisor closes the socket; never return."""
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=CONTROL_FD)
    namespace = _namespace()
    while True:
        try:
            order = _receive_order(control)
            if order.flags & CALL:
                os.write(CONTROL_FD, PRESENT.pack(order.word))
                continue
        except (EOFError, OSError):
            os._exit(0)
        try:
            pid = birth.fork()
        except OSError:
            pid = -1  # refused: the supervisor sees the socket close unused
        if pid != 0:
            os.close(order.control)
            os.close(order.null)
            continue
        status = 1
        try:
            _live(birth, order, namespace)
            status = 0
        finally:
            if status or not order.flags & KEEP:
                os._exit(status)


def _live(birth: Birth, order: Order, namespace: dict[str, Any]) -> None:
    """Become a node: say hello, run, report."""
    os.dup2(order.control, CONTROL_FD, inheritable=False)
    os.close(order.control)
    for fd in _STANDARD_FDS:
        os.dup2(order.null, fd, inheritable=False)
    os.close(order.null)
    os.write(CONTROL_FD, HELLO)
    if birth.keeper:  # else it is outside the pid namespace, which ends with its init
        linux.die_with_parent(signal.SIGKILL, parent=birth.keeper)
    report = run_all(unpack_programs(order.body), namespace, birth.output, birth.chance)
    bound = False
    if order.flags & KEEP:
        bound = _holds_files(birth)
        gc.freeze()  # a collection in a child would write to, and so copy, these pages
    data = memoryview(report.pack(bound=bound))
    while data:
        data = data[os.write(CONTROL_FD, data) :]


def _holds_files(birth: Birth) -> bool:
    """Whether a program opened what it left open, or changed what its descriptors are."""
    closed = [fd for fd, event in birth.open_files.poll(0) if event == select.POLLNVAL]
    if len(closed) < len(_FREE_FDS):
        return True
    try:
        seen = [os.fstat(fd) for fd in _STANDARD_FDS]
    except OSError:  # one is closed
        return True
    return any(not stat.S_ISCHR(s.st_mode) or s.st_rdev != birth.null for s in seen)


def _namespace() -> dict[str, Any]:
    """Where the programs of a chain live."""
    return {"__name__": "__main__", "__builtins__": builtins}


def _receive_order(control: socket.socket) -> Order:
    """Wait for the next order."""
    header, ancillary, _, _ = control.recvmsg(ORDER.size, _ROOM)
    if not header:
        raise EOFError("no order")
    if len(header) < ORDER.size:
        header += receive(control, ORDER.size - len(header))
    flags, length = ORDER.unpack(header)
    if flags & CALL:
        return Order(flags, length)
    if len(ancillary) != 1:
        raise EOFError("no order")
    return Order(flags, 0, receive(control, length), *_DESCRIPTORS.unpack(ancillary[0][2]))
