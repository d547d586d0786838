"""The trusted parent of zygote and nodes: reaps them, and ends them all with the supervisor.

It stays outside every layer, runs no program, and knows no protocol but one frame: who died, and
how. All nodes are its children (`linux.Fork`), so it alone learns their ends, and no pid is reused
before the supervisor could hear of it. When the supervisor closes its socket, dies, or is killed,
everything below is killed and the sandbox's directory removed. A node can do nothing to it: with
namespaces it is not there, with seccomp nobody can signal.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
from pathlib import Path

from bench.sandbox.inside import linux, namespaces, zygote
from bench.sandbox.inside.settings import Settings
from bench.sandbox.wire import DEATH, LENGTH, receive, send_failure


def main(supervisor: socket.socket, orders: socket.socket) -> None:
    """Start the zygote, which serves on `orders`, and keep it until the supervisor is gone.

    The settings are the first thing to arrive from the supervisor.
    """
    settings = Settings.unpack(receive(supervisor, *LENGTH.unpack(receive(supervisor, 4))))
    vital: set[int] = set()
    try:
        wake = _listen_to_signals()
        linux.die_with_parent(signal.SIGTERM, parent=settings.supervisor)
        if linux.AVAILABLE:
            linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        _start(settings, supervisor, orders, vital)
        orders.close()
        _keep(supervisor, wake, vital)
    except (OSError, linux.LayerError) as error:
        with contextlib.suppress(OSError):
            send_failure(orders, str(error))
    finally:
        _end_all(vital)
        shutil.rmtree(settings.directory, ignore_errors=True)
        if settings.group:
            with contextlib.suppress(OSError):  # another interpreter is in it
                os.rmdir(settings.group)


def _start(
    settings: Settings, supervisor: socket.socket, orders: socket.socket, vital: set[int]
) -> None:
    """Fork init, where there is a pid namespace, and the zygote; add their pids to `vital`."""
    if settings.namespaces:
        namespaces.enter_pid_namespace()
        linux.die_with_parent(signal.SIGTERM, parent=settings.supervisor)
        vital.add(_fork(supervisor, orders, None))
    vital.add(_fork(supervisor, orders, settings))


def _fork(supervisor: socket.socket, orders: socket.socket, settings: Settings | None) -> int:
    """Fork the zygote, or, without settings, the init of its pid namespace."""
    keeper = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        supervisor.close()
        os.setpgid(0, 0)
        inside = settings is None or settings.namespaces
        linux.die_with_parent(signal.SIGKILL, parent=0 if inside else keeper)
        if settings is not None:
            zygote.main(orders, settings)
        else:
            orders.close()
            os.closerange(3, 64)
            while True:
                signal.pause()  # with it, the kernel ends everything in the namespace
    finally:
        os._exit(1)


def _keep(supervisor: socket.socket, wake: int, vital: set[int]) -> None:
    """Report deaths until the supervisor is gone or something vital dies."""
    supervisor.setblocking(False)
    poller = select.poll()
    poller.register(wake, select.POLLIN)
    unsent = b""
    while True:
        poller.register(supervisor, select.POLLIN | (select.POLLOUT if unsent else 0))
        for fd, event in poller.poll():
            if fd == supervisor.fileno() and event & ~select.POLLOUT:
                return  # it never sends: this is its end
            if fd == wake and signal.SIGTERM in os.read(wake, 4096):
                return  # it died while another process held its socket
        while (death := _reap()) is not None:
            unsent += DEATH.pack(*death)
            if death[0] in vital:
                return
        with contextlib.suppress(BlockingIOError):
            while unsent:
                unsent = unsent[supervisor.send(unsent) :]


def _reap() -> tuple[int, int, float] | None:
    """Return the pid, exit code or minus the signal, and seconds of CPU of a child that ended."""
    try:
        pid, status, used = os.wait4(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    if not pid:
        return None
    return pid, os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def _end_all(vital: set[int]) -> None:
    """Kill every descendant, wherever it hid; return when none is left."""
    for group in vital:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    pid = os.getpid()
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    with contextlib.suppress(ChildProcessError):  # raised when no descendant is left
        while True:
            children = listing.read_text().split() if listing.exists() else [""]
            for child in filter(None, children):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(int(child), signal.SIGKILL)
            for _ in children or [""]:  # there may be more by then: theirs, now ours
                os.waitpid(-1, 0)


def _listen_to_signals() -> int:
    """Have `SIGCHLD` and `SIGTERM` write their number to a pipe; return its readable end."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    return readable
