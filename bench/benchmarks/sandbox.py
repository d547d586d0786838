"""A step in a warm interpreter, against the same program in a fresh `python -c`.

A chain is timed as a search runs it, step by step; a fresh Python for each of its steps has to run
the steps before it again. Only the time of a step is measured, not what it may do.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence

from bench.benchmarks.figures import Figure, percentile, timed
from bench.errors import BenchError
from bench.sandbox import Sandbox, SandboxConfig

PLAIN = "total = 14 * 6\nprint(total)"
SYMBOLIC = "import sympy\nprint(sympy.Rational(1, 3) + 1)"
CHAIN = ("boxes = 14", "jars = boxes * 6", "whole = jars - 9", "print(whole)")


async def sandbox(repeats: int = 40) -> list[Figure]:
    """Time steps in warm interpreters, and the same programs each in a Python of its own."""
    few = max(repeats // 8, 2)
    chains = [("\n".join(CHAIN[:end])) for end in range(1, len(CHAIN) + 1)]
    # No cache, or every repetition but the first would be an answer from memory.
    async with Sandbox(SandboxConfig(cache=0)) as warm:
        plain = [await _warm(warm, [PLAIN]) for _ in range(repeats)]
        symbolic = [await _warm(warm, [SYMBOLIC]) for _ in range(repeats)]
        chain = [await _warm(warm, CHAIN) for _ in range(repeats)]
        with timed() as together:
            await asyncio.gather(*(warm.run(PLAIN) for _ in range(4 * repeats)))
    return [
        *_against("step", plain, [_fresh([PLAIN]) for _ in range(few)]),
        *_against("step that imports sympy", symbolic, [_fresh([SYMBOLIC]) for _ in range(few)]),
        *_against("chain of 4 steps", chain, [_fresh(chains) for _ in range(few)]),
        Figure("steps at once, warm", 4 * repeats / together.wall, "steps/s"),
    ]


async def _warm(sandbox: Sandbox, steps: Sequence[str]) -> float:
    with timed() as watch:
        node = None
        for code in steps:
            node = await sandbox.run(code, parent=node)
    if node is None or not node.ok:
        raise BenchError(f"a benchmark's program failed in the sandbox: {node}")
    return watch.wall


def _fresh(programs: Sequence[str]) -> float:
    with timed() as watch:
        for program in programs:
            subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True)
    return watch.wall


def _against(name: str, warm: Sequence[float], fresh: Sequence[float]) -> list[Figure]:
    ours, theirs = percentile(warm, 50), percentile(fresh, 50)
    return [
        Figure(f"{name}, warm, median", 1000 * ours, "ms"),
        Figure(f"{name}, fresh python, median", 1000 * theirs, "ms"),
        Figure(f"{name}, fresh / warm", theirs / ours, "x"),
    ]
