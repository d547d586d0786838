"""Starts a keeper and its zygote in a fresh interpreter, and waits until that is enclosed and warm.

What is inside gets nothing of ours: no environment, no descriptor but two sockets, no module but
its own. Why nothing came to be is told by the zygote, by the keeper's log, or by the clock.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.errors import SandboxError
from bench.sandbox.inside.settings import Settings
from bench.sandbox.nodes import sender, socket_pair
from bench.sandbox.wire import ABOUT, LENGTH, READY

_LAUNCH = """
import socket, sys, types
for name, path in (("bench", sys.argv[1]), ("bench.sandbox", sys.argv[2])):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [path]
from bench.sandbox.inside.keeper import main
main(*(socket.socket(fileno=int(fd)) for fd in sys.argv[3:]))
"""
"""Empty packages stand in for ours, so that what is inside loads nothing of what is outside."""

_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",  # the order of a set of strings is part of what a program prints
    "OPENBLAS_NUM_THREADS": "1",  # a process with threads must not fork
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LD_BIND_NOW": "1",  # else each node binds, and so copies, what it calls first
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
}
_START_SECONDS = 900.0
"""How long a zygote may take to be warm: two seconds of CPU, of which a busy machine gives few."""
_POLL_SECONDS = 0.005
"""How often a keeper that is to end is asked whether it has."""
_END_SECONDS = 30.0
"""How long a keeper may take to end hundreds of processes on a busy machine."""


class StartError(SandboxError):
    """No zygote came to be: a layer was refused, or the interpreter broke."""


@dataclass(frozen=True, slots=True)
class Launched:
    """A keeper and a zygote that is ready; who takes it over closes what it holds."""

    process: subprocess.Popen[bytes]
    """The keeper."""
    control: socket.socket
    """To the keeper; when it is closed, the keeper ends everything."""
    orders: socket.socket
    """To the zygote."""
    zygote: int | None
    """Its pid, where the kernel tells."""
    gate: int
    """The descriptor on which the kernel asks about forks; -1 where forks are free."""
    uid: int
    """User id that programs run under."""
    landlock: int
    """The kernel's version of it; 0 where it is not in use."""


async def launch(settings: Settings) -> Launched:
    """Start a keeper and a zygote.

    Raises StartError; SandboxError: it took too long, which no weaker level would mend.
    """
    control, theirs = socket.socketpair()
    orders, zygotes = socket_pair()
    package = Path(__file__).parent
    arguments = [package.parent, package, theirs.fileno(), zygotes.fileno()]
    with control, orders, theirs, zygotes, tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-s", "-S", "-P", "-B", "-c", _LAUNCH, *map(str, arguments)],
            env=_ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            pass_fds=[theirs.fileno(), zygotes.fileno()],
            start_new_session=True,
        )
        theirs.close()
        zygotes.close()
        packed = settings.pack()
        try:
            control.sendall(LENGTH.pack(len(packed)) + packed)
            async with asyncio.timeout(_START_SECONDS):
                message, pid, fds = await _first_words(orders)
                reason = await _reason(orders, message, log)
        except TimeoutError as e:
            await wait(process, kill=True)
            raise SandboxError(
                f"the sandbox's interpreter was not ready after {_START_SECONDS:g} s, which says "
                "nothing about its isolation: let less run beside it, and repeat the command"
            ) from e
        except OSError as e:
            message, pid, fds, reason = b"", None, [], _said(log) or str(e)
        except BaseException:
            await wait(process, kill=True)
            raise
        if reason:
            for fd in fds:
                os.close(fd)
            control.close()
            await wait(process, kill=False)
            raise StartError(reason)
        gate = fds[0] if fds else -1
        about = ABOUT.unpack_from(message, len(READY))
        return Launched(process, control.dup(), orders.dup(), pid, gate, *about)


async def wait(process: subprocess.Popen[bytes], *, kill: bool) -> None:
    """Wait for a keeper whose socket is closed to end everything, and then itself."""
    if kill:
        process.terminate()  # which it hears as the end of the supervisor
    # Asked for now and then: there are no threads to wait in where a program is ending.
    end = time.monotonic() + _END_SECONDS
    while process.poll() is None:
        if time.monotonic() > end:
            process.kill()
        await asyncio.sleep(_POLL_SECONDS)


async def _first_words(orders: socket.socket) -> tuple[bytes, int | None, list[int]]:
    """Receive what the zygote says first: the words, its pid, the descriptors with them."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(orders, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(orders)
    room = socket.CMSG_SPACE(12) + socket.CMSG_SPACE(4)
    message, ancillary, _, _ = orders.recvmsg(len(READY) + ABOUT.size, room)
    rights = [data for _, kind, data in ancillary if kind == socket.SCM_RIGHTS]
    fds = [int.from_bytes(data[:4], sys.byteorder) for data in rights]
    return message, sender(ancillary), fds


async def _reason(orders: socket.socket, message: bytes, log: IO[bytes]) -> str:
    """Return why nothing is ready; empty when it is."""
    if message.startswith(READY):
        return ""
    loop = asyncio.get_running_loop()
    rest = message[1:]
    while chunk := await loop.sock_recv(orders, 1 << 12):
        rest += chunk
    return rest[LENGTH.size :].decode("utf-8", "replace") or _said(log) or "it said nothing"


def _said(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode("utf-8", "replace").strip()
