"""The memory of a command: that of all its processes, at its highest.

Each process's proportional set size is read several times a second: pages that several share count
once, in parts. A peak between two readings is missed; those here last seconds.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.checkpoints.checkpoint import newest_policy, published_checkpoints
from bench.errors import BenchError
from bench.speed.measure import Figure

EVERY = 0.25
"""Seconds between two readings."""
PROC = Path("/proc")
PROBLEMS = 8
POOL = "embedded-dial"


@dataclass(frozen=True, slots=True)
class Peak:
    """Bytes at the moment that they were most."""

    total: int = 0
    main: int = 0
    """Of the command's own process."""
    processes: int = 0


async def memory() -> list[Figure]:
    """Run MCTS 8x4 and eight samples on a few problems, each in a process of its own.

    Raises BenchError: there is no /proc, or a command fails.
    """
    if not (PROC / "self" / "smaps_rollup").exists():
        raise BenchError("the kernel tells no proportional set sizes (/proc/PID/smaps_rollup)")
    searches: dict[str, tuple[str, ...]] = {"sample x8": ("--search", "sample", "--n", "8")}
    if published_checkpoints("ppm"):
        searches["mcts 8x4"] = ("--search", "mcts", "--rollouts", "8", "--candidates", "4")
    figures = []
    for name, options in searches.items():
        with tempfile.TemporaryDirectory() as folder:
            common = ("--policy", newest_policy().name, "--benchmark", POOL)
            limit = ("--limit", str(PROBLEMS), "--out", str(Path(folder) / "run"))
            peak = await measure_peak(
                (sys.executable, "-m", "bench.cli", "run", *common, *limit, *options)
            )
        label = f"{name}, {PROBLEMS} problems"
        figures += [
            Figure(f"{label}, all processes", peak.total / 1e9, "GB", at_most=3.5),
            Figure(f"{label}, its own process", peak.main / 1e9, "GB"),
        ]
    return figures


async def measure_peak(command: Sequence[str]) -> Peak:
    """Run a command to its end; return what it held at most. Raises BenchError: it failed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    done = asyncio.create_task(process.communicate())
    peak = Peak()
    while not done.done():
        sizes = [read_pss(pid) for pid in find_descendants(process.pid)]
        main = read_pss(process.pid)
        if main + sum(sizes) > peak.total:
            peak = Peak(main + sum(sizes), main, 1 + len(sizes))
        await asyncio.wait([done], timeout=EVERY)
    _, said = await done
    if process.returncode:
        last = said.decode(errors="replace").strip().rpartition("\n")[2]
        raise BenchError(f"{' '.join(command[1:5])} ended with {process.returncode}: {last}")
    return peak


def find_descendants(pid: int) -> Iterator[int]:
    """Return the processes that a process started, and those that they did."""
    children: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has ended
                # The name may hold anything, brackets too: what is wanted comes after its last one.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = list(children.get(pid, ()))
    while found:
        child = found.pop()
        yield child
        found += children.get(child, ())


def read_pss(pid: int) -> int:
    """Return a process's proportional set size in bytes; 0 where it has ended."""
    with suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0
