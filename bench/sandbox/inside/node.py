"""A process that forks on order, and the node that each fork becomes.

The zygote is the first to serve; a node that is kept serves in its turn, so that a child starts
with all that its ancestors left: variables, imports, patches. Descriptor 3 is always the socket to
the supervisor; a node's first act is to put its own in the place of its parent's, so that it can
neither hear nor answer for it. A process is influenced by the programs of its own chain, only.
"""

from __future__ import annotations

import builtins
import contextlib
import gc
import os
import select
import signal
import socket
import struct
from typing import Any, NamedTuple, NoReturn

from bench.sandbox.inside import linux
from bench.sandbox.inside.program import Chance, run_all
from bench.sandbox.wire import HELLO, KEEP, ORDER, receive, unpack_programs

CONTROL_FD = 3
_FIRST_FREE_FD = 4
_DESCRIPTORS = range(_FIRST_FREE_FD, 64)


class Birth(NamedTuple):
    """What every node needs to come to life."""

    fork: linux.Fork
    keeper: int
    """The parent's pid as nodes see it."""
    output: int
    chance: Chance
    open_files: select.poll
    """Watches every descriptor that a program could have opened."""


def birth(*, keeper: int, output: int) -> Birth:
    """Prepare, before the policy forbids it, what nodes will use."""
    open_files = select.poll()
    for fd in _DESCRIPTORS:
        open_files.register(fd, 0)
    return Birth(linux.Fork(), keeper, output, Chance(), open_files)


def serve(birth: Birth) -> NoReturn:
    """Fork a node for each order, until the supervisor closes the socket; never return."""
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=CONTROL_FD)
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    while True:
        try:
            flags, body, fd = _receive_order(control)
        except (EOFError, OSError):
            os._exit(0)
        try:
            pid = birth.fork()
        except OSError:
            pid = -1  # refused: the supervisor sees the socket close unused
        if pid != 0:
            os.close(fd)
            continue
        status = 1
        try:
            _live(birth, fd, body, namespace, keep=bool(flags & KEEP))
            status = 0
        finally:
            if status or not flags & KEEP:
                os._exit(status)


def _live(birth: Birth, fd: int, body: bytes, namespace: dict[str, Any], *, keep: bool) -> None:
    """Become a node: say hello, run, report."""
    os.dup2(fd, CONTROL_FD, inheritable=False)
    os.close(fd)
    os.write(CONTROL_FD, HELLO)
    if birth.keeper:  # else it is outside the pid namespace, which ends with its init
        linux.die_with_parent(signal.SIGKILL, parent=birth.keeper)
    report = run_all(unpack_programs(body), namespace, birth.output, birth.chance)
    closed = [fd for fd, event in birth.open_files.poll(0) if event == select.POLLNVAL]
    bound = len(closed) < len(_DESCRIPTORS)
    if keep:
        gc.freeze()  # a collection in a child would write to, and so copy, these pages
    data = memoryview(report.pack(bound=bound))
    while data:
        data = data[os.write(CONTROL_FD, data) :]


def _receive_order(control: socket.socket) -> tuple[int, bytes, int]:
    """Return an order's flags and body, and the descriptor that came with it."""
    header, ancillary, _, _ = control.recvmsg(ORDER.size, socket.CMSG_SPACE(struct.calcsize("i")))
    fds = [struct.unpack("i", data)[0] for _, _, data in ancillary]
    header += receive(control, ORDER.size - len(header)) if header else b""
    if not header or len(fds) != 1:
        raise EOFError("no order")
    flags, length = ORDER.unpack(header)
    try:
        return flags, receive(control, length), fds[0]
    except EOFError:
        with contextlib.suppress(OSError):
            os.close(fds[0])
        raise
