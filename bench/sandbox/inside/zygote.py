"""The warm process that the first node of every chain is forked from.

It encloses itself layer by layer before it serves, so that each fork is enclosed at no cost. The
order matters: the root first, as later layers would forbid mounting; then the imports, from the
files that programs will see; then what forbids. A layer that the settings ask for and the machine
refuses is an error: the supervisor decides what to do without it.
"""

from __future__ import annotations

import array
import contextlib
import gc
import os
import resource
import socket
import sys
import time
from pathlib import Path

from bench.sandbox.inside import heap, landlock, linux, namespaces, node, privileges, seccomp
from bench.sandbox.inside.settings import Exposed, Settings
from bench.sandbox.wire import ABOUT, READY, send_failure


def main(control: socket.socket, settings: Settings) -> None:
    """Enclose this process, warm it up, say so, and serve for ever; return only on failure."""
    control = _keep_only(control)
    try:
        about, statm, smaps, processes = _enclose(settings)
        gate = seccomp.install_gate() if settings.seccomp else -1
        policy = seccomp.packed_policy() if settings.seccomp else b""
        gc.collect()
        _plugs = heap.plug()  # for as long as this process lives
        birth = node.birth(keeper=os.getppid(), output=settings.output)
        node.rehearse(birth)
        birth.chance.install()
        _settle(smaps)
        memory = _address_space(statm) + settings.memory
        privileges.limit(memory=memory, processes=processes)
    except (OSError, linux.LayerError) as error:
        send_failure(control, str(error))
        return
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [gate]))] if gate > 0 else []
    control.sendmsg([READY + about], rights)
    os.closerange(node.CONTROL_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    if policy:
        seccomp.install_policy(policy)
    node.serve(birth)


def _keep_only(control: socket.socket) -> socket.socket:
    """Put the socket to the supervisor where nodes have it; close all else that was inherited."""
    os.dup2(control.detach(), node.CONTROL_FD, inheritable=False)
    os.closerange(node.CONTROL_FD + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return socket.socket(fileno=node.CONTROL_FD)


def _enclose(settings: Settings) -> tuple[bytes, int, int, int | None]:
    """Put the layers on, but for what would hinder `main`.

    Returns what `ABOUT` says, an open statm and smaps or -1, and the limit of processes.
    """
    _offer_memory_back(settings.group)
    statm, threads, smaps = (_open_process(name) for name in ("statm", "task", "smaps"))
    null = os.open(os.devnull, os.O_RDWR)
    exposed = settings.exposed
    os.chdir(settings.directory)
    if settings.namespaces:
        namespaces.enter_root(settings.directory, exposed)
    own_user = settings.namespaces or settings.landlock or settings.seccomp
    if own_user:
        needed = (*exposed.libraries, *exposed.packages)
        own_user = privileges.become_nobody(settings.user, needed) or settings.namespaces
    linux.die_with_parent(9, parent=os.getppid())  # changing the user cleared it
    _warm(settings.preload, exposed)
    for fd in range(3):
        os.dup2(null, fd)  # 2 was, until here, the log of the start
    if threads > 0 and len(os.listdir(threads)) > 1:
        raise linux.LayerError("the warm interpreter has threads, and cannot be forked")
    abi = _restrict_files(settings)
    privileges.block_signals()
    processes: int | None = settings.processes
    if not own_user:  # with whom it is shared, forks are held off by the gate, or counted
        counted = settings.processes + privileges.user_processes()
        processes = None if settings.seccomp else counted
    return ABOUT.pack(os.getuid(), abi), statm, smaps, processes


def _offer_memory_back(group: str) -> None:
    """Have the kernel count this process's memory, and its nodes', and end them before all others.

    What the machine refuses is done without.
    """
    if group:
        with contextlib.suppress(OSError):  # who may make one may not always join it
            Path(group, "cgroup.procs").write_text("0")
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    if linux.AVAILABLE:
        with contextlib.suppress(OSError):  # a page of 2 MiB would be counted as one of 4 KiB
            linux.prctl(linux.PR_SET_THP_DISABLE, 1)


def _settle(smaps: int) -> None:
    """Arrange memory so that a node copies little of it; nothing large may be done hereafter."""
    gc.collect()
    gc.freeze()  # a collection in a node would write to, and so copy, every page of the heap
    if smaps > 0:
        with contextlib.suppress(OSError):  # then nodes cost more, and do as well
            heap.lay_on_file(smaps)
        os.close(smaps)


def _restrict_files(settings: Settings) -> int:
    """Put Landlock on; in an own root it is a second lock, and may be missing."""
    if not settings.landlock:
        return 0
    if settings.namespaces:
        return landlock.restrict(["/"], []) if landlock.version() else 0
    exposed = settings.exposed
    files = [
        path
        for library in exposed.libraries
        for path in readable(os.path.realpath(library), exposed.hidden)
    ]
    listings = (*exposed.search, settings.directory)
    return landlock.restrict([*files, *exposed.packages], listings)


def readable(directory: str, hidden: tuple[str, ...]) -> list[str]:
    """Return the paths that together are all of a directory but for what is hidden in it."""
    if directory in hidden:
        return []
    if not any(path.startswith(directory + "/") for path in hidden):
        return [directory]
    return [path for entry in os.scandir(directory) for path in readable(entry.path, hidden)]


def _warm(preload: str, exposed: Exposed) -> None:
    """Run the preload; leave no environment and no way to import this project."""
    sys.argv, sys.orig_argv = [""], []
    sys.path.extend(exposed.search)
    exec(preload, {"__name__": "__main__"})
    time.tzset()
    os.environ.clear()  # not before: numpy's libraries read how many threads to start
    for name in [name for name in sys.modules if name.split(".")[0] == "bench"]:
        del sys.modules[name]


def _open_process(name: str) -> int:
    """Open what tells about this process, while there is a /proc to open it in."""
    path = Path("/proc/self", name)
    return os.open(path, os.O_RDONLY) if path.exists() else -1


def _address_space(statm: int) -> int:
    """Bytes of address space in use; 0 where nothing tells."""
    return int(os.pread(statm, 99, 0).split()[0]) * resource.getpagesize() if statm > 0 else 0
