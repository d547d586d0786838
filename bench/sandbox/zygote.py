"""The process inside: imports once, then forks one child for each program it is asked to run.

It loads this file and its three neighbours `child`, `lifeline` and `wire`, and nothing else of this
project, so neither the harness nor a reference answer is in the memory that the children inherit.
It copies a child's bytes and never reads them: they are untrusted, and the supervisor parses them.
It keeps no clock: the supervisor says when to `KILL`, and the zygote does it, since only a parent
knows that a pid still is its child's.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import shutil
import signal
import socket
import sys
from typing import NamedTuple

from bench.sandbox import child, lifeline
from bench.sandbox.wire import KILL, LENGTH, READY, REPLY, REQUEST, receive, split


class Settings(NamedTuple):
    """What the supervisor fixes for the life of a zygote."""

    control: int
    """Descriptor of the socket to the supervisor."""
    supervisor: int
    directory: str
    """The working directory, emptied after every child and removed at the end."""
    site: str
    """Where sympy and numpy are installed, as a search path."""
    memory: int
    """Bytes of address space that a child may add to the zygote's own."""
    output: int
    """Bytes that a program may print."""


def main(settings: Settings) -> None:
    """Warm up, say so, and serve until the supervisor closes its end or dies."""
    wake = _listen_to_signals()
    lifeline.die_with_parent(signal.SIGTERM, parent=settings.supervisor)
    lifeline.adopt_orphans()
    control = socket.socket(fileno=settings.control)
    try:
        with contextlib.suppress(EOFError, ConnectionError):
            _warm(receive(control, *LENGTH.unpack(receive(control, LENGTH.size))), settings.site)
            limits = child.Limits(child.address_space() + settings.memory, settings.output)
            control.sendall(READY)
            serve(control, wake, settings.directory, limits)
    finally:
        shutil.rmtree(settings.directory, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(settings.directory))  # the last to leave, should we be alone


def serve(control: socket.socket, wake: int, directory: str, limits: child.Limits) -> None:
    """Answer requests, one after the other."""
    while True:
        if receive(control, 1) == KILL:
            continue  # the program that it was meant for ended in the meantime
        cpu, length = REQUEST.unpack(receive(control, REQUEST.size))
        chain = split(receive(control, length))
        results, writer = os.pipe()
        os.set_blocking(results, False)
        pid = os.fork()
        if pid == 0:
            child.live(chain, writer, cpu=cpu, directory=directory, limits=limits)
        os.close(writer)
        try:
            reply = attend(control, wake, pid, results, room=limits.result)
        finally:
            os.close(results)
            sweep(pid, directory)
        control.sendall(reply)


def attend(control: socket.socket, wake: int, pid: int, results: int, *, room: int) -> bytes:
    """Wait for the child to end, keeping the first `room` bytes it writes; return the reply."""
    poller = select.poll()
    for fd in (control.fileno(), wake, results):
        poller.register(fd, select.POLLIN)
    data, ended, status = b"", 0, 0
    while not ended:
        for fd, _ in poller.poll():
            if fd == results:
                chunk = os.read(results, 1 << 16)
                data += chunk[: room - len(data)]
                if not chunk:
                    poller.unregister(results)
            elif fd == control.fileno():
                kill(pid)  # before the read, which raises when the supervisor is gone
                receive(control, 1)
            elif signal.SIGTERM in os.read(wake, 64):
                kill(pid)
                raise EOFError("the supervisor died while another process held its socket")
        ended, status = os.waitpid(pid, os.WNOHANG)
    with contextlib.suppress(BlockingIOError):
        while len(data) < room and (chunk := os.read(results, room - len(data))):
            data += chunk
    return REPLY.pack(os.waitstatus_to_exitcode(status), len(data)) + data


def sweep(pid: int, directory: str) -> None:
    """Kill what the child left running, wherever it hid, and empty its directory."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):  # raised when no descendant is left
        while True:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                for orphan in lifeline.children():
                    kill(orphan)
                os.waitpid(-1, 0)
    with contextlib.suppress(FileNotFoundError):
        if not os.listdir(directory):
            return
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory, mode=0o700, exist_ok=True)


def kill(pid: int) -> None:
    """End a child and its group; one that has just been forked may have no group yet."""
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(pid, signal.SIGKILL)


def _warm(preload: bytes, site: str) -> None:
    """Run the preload; leave no environment, no way to import this project, and no terminal."""
    os.environ.clear()
    sys.argv = [""]
    sys.path.extend(site.split(os.pathsep))
    exec(preload, {"__name__": "__main__"})
    for name in [name for name in sys.modules if name.split(".")[0] == "bench"]:
        del sys.modules[name]
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 2)  # until here it was the log of the start
    os.close(null)
    gc.collect()
    gc.freeze()  # a collection in a child would write to, and so copy, every page of the heap


def _listen_to_signals() -> int:
    """Have `SIGCHLD` and `SIGTERM` write their number to a pipe; return its readable end."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    return readable
