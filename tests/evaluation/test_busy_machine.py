"""A run beside sixteen processes that compute, and one that takes the memory, is the run without.

The policy is scripted and the programs are real: many are near a limit, on either side of it. How
near is said by their own CPU clocks, as the same work costs more CPU time where caches are shared.
"""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from bench.machine import describe
from bench.runs.reader import Run
from bench.sandbox import Sandbox, SandboxConfig
from bench.sandbox.deadlines import name_clock
from bench.types import Problem
from tests.busy import busy_machine
from tests.evaluation.test_runner import (
    Searching,
    boxed,
    by_samples,
    by_tree,
    greedily,
    program,
    run_all,
)
from tests.scripted import problem

LIMITS = SandboxConfig(timeout=1.0, memory=256, output=2000, workers=2, live=4)
PROGRAMS = (
    "import time\nwhile time.process_time() < 0.8: pass\nprint({number})",
    "import time\nwhile time.process_time() < 3.0: pass\nprint({number})",
    "import time\ntime.sleep(0.6)\nprint({number})",
    "import time\ntime.sleep(30)\nprint({number})",
    "import sympy\nx = sympy.symbols('x')\nprint(sympy.solve(x**2 - {number}**2)[-1])",
    "import numpy\ntotal = numpy.ones(20 << 20).sum()\nprint(int(total) - (20 << 20) + {number})",
    "import numpy\nprint(numpy.ones(60 << 20).sum())",
    "print('x' * 1900)\nprint({number})",
    "print('x' * 2100)\nprint({number})",
    "import os\nos._exit({number} % 7)",
    "print({number} / 0)",
    "import ctypes\nctypes.string_at(0)",
    "import random, scipy.special\nprint({number}, random.random() < 2)",
)
"""What is to be printed is the answer, where one is."""
STEPS = 3
"""Programs of a tree's chain, before the last one."""


def script_of(number: int, *, deep: bool) -> Searching:
    """The search of one problem: a chain of small steps where it is `deep`, then its program."""
    last = program(PROGRAMS[number % len(PROGRAMS)].format(number=number))

    def write(partial: str, index: int) -> str:
        if "<end_of_output>" in partial:
            return boxed(str(number if number % 2 else number + 1))
        taken = partial.count("<end_of_step>")
        if deep and taken < STEPS:
            return f"\ns{taken} = {number} + {taken} + {index}\n<end_of_step>"
        return last

    return (by_tree, greedily, by_samples)[0 if deep else 1 + number % 2](write)


def problems(count: int) -> list[tuple[Problem, Searching]]:
    return [
        (problem(str(number), f"p{number:02}"), script_of(number, deep=number % 3 == 0))
        for number in range(count)
    ]


def run_once(out: Path, count: int) -> Run:
    """Search so many problems in a sandbox of their own."""

    async def run() -> Run:
        async with Sandbox(LIMITS) as sandbox:
            return await run_all(problems(count), sandbox, out, concurrency=8)

    return asyncio.run(run())


def stored(out: Path) -> tuple[list[bytes], list[bytes]]:
    """The lines of records and of trees, in an order that does not tell who came first."""
    shards = sorted((out / "trees").iterdir())
    trees = [line for each in shards for line in gzip.decompress(each.read_bytes()).splitlines()]
    return sorted((out / "records.jsonl").read_bytes().splitlines()), sorted(trees)


@pytest.mark.slow
@pytest.mark.skipif(name_clock() == "wall clock", reason="deadlines are the clock's here")
def test_a_busy_machine_changes_no_record_and_no_tree(tmp_path: Path) -> None:
    quiet = run_once(tmp_path / "quiet", 40)
    with busy_machine(spinning=16, memory=True):
        busy = run_once(tmp_path / "busy", 40)
    assert len(quiet.records) == len(busy.records) == 40
    assert not any(record.is_engine_error for record in (*quiet.records, *busy.records))
    assert stored(tmp_path / "busy") == stored(tmp_path / "quiet")
    told = [sample.reason for record in quiet.records for sample in record.samples]
    assert any("stopped after 1 s" in reason for reason in told), "no program met its deadline"
    assert describe(busy.machine), "the machine was not busy"
