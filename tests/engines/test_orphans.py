"""What a killed process leaves behind is ended, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from bench.engines import orphans
from bench.engines.orphans import descendants, end_with_us

pytestmark = pytest.mark.skipif(
    not orphans._AVAILABLE, reason="this system has no handles of processes (pidfd)"
)
STARTS = """
import subprocess, sys, time
from bench.engines.orphans import descendants, end_with_us
import os

core = subprocess.Popen(["sh", "-c", "sleep 600 & wait"], start_new_session=True)
while len(descendants(os.getpid())) < 2:
    time.sleep(0.01)
theirs = descendants(os.getpid())
other = subprocess.Popen(["sleep", "600"], start_new_session=True)
guard = end_with_us(theirs)
print(other.pid, guard.pid, *theirs, flush=True)
time.sleep(600)
"""


@pytest.fixture
def started() -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """A process that left others to a guard, and these: one that it kept, the guard, two more."""
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        others = [psutil.Process(int(pid)) for pid in one.stdout.readline().split()]
        try:
            yield one, others
        finally:
            one.kill()
            for each in others:
                with suppress(psutil.NoSuchProcess):
                    each.kill()


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGTERM])
def test_processes_end_with_the_one_that_started_them_however_it_ends(
    started: tuple[subprocess.Popen[str], list[psutil.Process]], by: signal.Signals
) -> None:
    one, (other, guard, *theirs) = started
    assert len(theirs) == 2
    one.send_signal(by)
    one.wait(timeout=20)
    _, alive = psutil.wait_procs([guard, *theirs], timeout=20)
    assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
    assert other.is_running()


def test_a_guard_that_is_ended_ends_nobody() -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        assert process.pid in descendants(os.getpid())
        guard = end_with_us([process.pid])
        assert guard is not None
        guard.kill()
        guard.wait(timeout=20)
        assert process.poll() is None
        process.kill()


def test_where_there_is_nobody_there_is_no_guard() -> None:
    assert end_with_us([]) is None
