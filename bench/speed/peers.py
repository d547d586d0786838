"""How others run steps, in steps per CPU second: fresh processes, a warm pool, a pool per batch.

None of them keeps state, so each runs the steps before a step again. None isolates anything.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pebble import ProcessPool

from bench.sandbox.inside.preload import PRELOAD
from bench.speed.steps import chain

BATCH, PROCESSES = 32, 12
"""The official code's pool: its processes, and what it is given before the next one is made."""


def fresh(chains: Sequence[Sequence[str]]) -> float:
    """A: a `python -c` per step."""
    before, done = _children(), 0
    for steps in chains:
        for end in range(1, len(steps) + 1):
            program = "\n".join(steps[:end])
            subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
            done += 1
    return done / (_children() - before)


@contextmanager
def warm_pool(chains: int) -> Iterator[ProcessPool]:
    """B: two processes that have run as many chains of the same steps with other numbers."""
    context = multiprocessing.get_context("spawn")
    with ProcessPool(2, initializer=_warm, context=context) as pool:
        rerun(pool, [chain(5000 + number) for number in range(chains)])
        yield pool


def rerun(pool: ProcessPool, chains: Sequence[Sequence[str]]) -> float:
    """Run every step of the chains after its ancestors; return the CPU seconds of it all."""
    before = time.process_time()
    spent = [
        pool.schedule(_rerun, args=[steps[: step + 1]])
        for step in range(len(chains[0]))
        for steps in chains
    ]
    return float(sum(future.result() for future in spent)) + time.process_time() - before


def pools(chains: int, imports: Sequence[str]) -> float | None:
    """B': a pool per batch of steps, made by a process that has imported these and nothing else.

    `None` where one of them is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in imports):
        return None
    program = f"from bench.speed.peers import _pools; print(_pools({chains}, {imports!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def bare_fork(count: int = 100) -> float:
    """Milliseconds of CPU to fork a warm interpreter and end the child: the machine's yardstick."""
    program = (
        f"{PRELOAD}\nimport gc, os, resource, time\ngc.collect()\ngc.freeze()\n"
        f"start = time.process_time()\nfor _ in range({count}):\n    pid = os.fork()\n"
        "    if pid == 0: os._exit(0)\n    os.waitpid(pid, 0)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(time.process_time() - start + used.ru_utime + used.ru_stime)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    return 1000 * float(done.stdout) / count


def _pools(chains: int, imports: Sequence[str]) -> float:
    for name in imports:
        importlib.import_module(name)
    work = [chain(number) for number in range(chains)]
    context = multiprocessing.get_context("fork")
    before = _children() + time.process_time()
    for step in range(len(work[0])):
        for start in range(0, len(work), BATCH):
            batch = work[start : start + BATCH]
            with ProcessPool(min(len(batch), PROCESSES), context=context) as pool:
                for future in [pool.schedule(_rerun, args=[c[: step + 1]]) for c in batch]:
                    future.result()
    return sum(map(len, work)) / (_children() + time.process_time() - before)


def _children() -> float:
    """CPU seconds of the children that have ended, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _warm() -> None:
    exec(PRELOAD, {})


def _rerun(codes: Sequence[str]) -> float:
    """Run the steps of a chain from the first; return the CPU seconds that it took."""
    start, namespace = time.process_time(), {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for code in codes:
            exec(compile(code, "<step>", "exec"), namespace)
    return time.process_time() - start
