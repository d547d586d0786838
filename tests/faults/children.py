"""A job done in a forked child, which may be killed by SIGKILL at one of its file operations."""

from __future__ import annotations

import io
import logging
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.console import run_guarded
from tests.faults import jobs
from tests.faults.jobs import Job
from tests.faults.operations import Fault, Injector, Operation

PROGRAM = "a-job"
"""What the command is called that does it."""
CPU_SECONDS, HANG_SECONDS = 20, 600
"""After which a child that computes for milliseconds has hung: of work; of the clock, however busy
the machine is."""

Tree = Mapping[str, bytes | None]
"""Files of a folder, by name; `None` is a folder."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a child said before it ended."""

    end: str
    """`done`, `refused` (a sentence of ours), `raised` (anything else), `killed`, `hung`."""
    message: str = ""
    operations: Sequence[Operation] = ()
    searched: Sequence[str] = ()
    moments: Sequence[tuple[Fault, int, Tree]] = ()
    """The folder wherever a kill could have happened, where it differs from the moment before."""
    stops: int = 0
    """How many of these there were, all told."""


def snapshot(folder: Path) -> Tree:
    """Return a folder's files, by calls that no injector counts."""
    found: dict[str, bytes | None] = {}
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found[os.path.relpath(entry.path, folder)] = None
                    waiting.append(entry.path)
                else:
                    with io.FileIO(entry.path) as file:
                        found[os.path.relpath(entry.path, folder)] = file.readall()
    return dict(sorted(found.items()))


def do_in_child(
    job: Job,
    folder: Path,
    at: int | None = None,
    fault: Fault | None = None,
    *,
    moments: bool = False,
) -> Told:
    """Do a job in a child of this process; return what it told."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(ours)
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            signal.alarm(HANG_SECONDS)
            told = _do(job, folder, at, fault, moments)
            with io.FileIO(theirs, "wb") as stream:
                data = memoryview(pickle.dumps(told))
                while data:
                    data = data[stream.write(data) :]
        finally:
            os.kill(os.getpid(), signal.SIGKILL)  # nothing of the parent's is to be run at exit
    os.close(theirs)
    with open(ours, "rb") as stream:
        data = stream.read()
    status = os.waitpid(pid, 0)[1]
    if not data:
        is_late = os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGPROF)
        return Told("hung" if is_late else "killed")
    told = pickle.loads(data)
    assert isinstance(told, Told)
    return told


def _do(job: Job, folder: Path, at: int | None, fault: Fault | None, moments: bool) -> Told:
    """Do a job as a command of ours does, guarded."""
    logging.disable(logging.CRITICAL)
    said = io.StringIO()
    sys.stdout, sys.stderr = io.StringIO(), said
    end, message = "done", ""
    seen: list[tuple[Fault, int, Tree]] = []
    stops = 0

    def look(kill: Fault, number: int) -> None:
        nonlocal stops
        stops += 1
        tree = snapshot(folder)
        if not seen or seen[-1][2] != tree:
            seen.append((kill, number, tree))

    injector = Injector(folder, at, fault, look if moments else None)
    injector.install()

    def command() -> int:
        with jobs.scripted_parts():
            job.work(folder)
        return 0

    try:
        if run_guarded(PROGRAM, command):
            end, message = "refused", said.getvalue()
    except BaseException:  # whatever passes the guard ends in a traceback
        end, message = "raised", traceback.format_exc(limit=-4)
    return Told(end, message, injector.operations, jobs.searched, seen, stops)
