"""MCTS over fifty problems at once, by the real runner and sandbox: `python -m ... RUN_DIRECTORY`.

To be killed while it searches; `test_killed_search.py` does. The policy is scripted: programs that
use sympy, that spin, that fail.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

from bench.evaluation.runner import run_problems
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import MCTS, Trace, mcts, select_first
from bench.types import Problem
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

STEPS = (
    "from sympy import *\nx = symbols('x')\nprint(solve(x**2 - {n}*x + 1, x))",
    "print(factor(x**{n} - 1), open(__import__('os').__file__).read(9))",
    "while True: pass",
    "1 / 0",
)


def write(name: str, partial: str, index: int) -> str:
    """The next step: another program for each problem, depth and candidate."""
    depth = partial.count("<end_of_step>")
    code = STEPS[index if depth else 0].format(n=depth + index + 2)
    return f"\n{code}  # {name} {depth} {index}\n<end_of_step>"


async def search_all(problems: list[Problem], out: Path) -> None:
    """Search them all at the same time."""
    async with Sandbox(SandboxConfig(workers=4)) as sandbox:

        async def search(problem: Problem) -> Trace:
            return await mcts(
                problem,
                policy=ScriptedPolicy(partial(write, problem.id)),
                sandbox=sandbox,
                config=MCTS(rollouts=50, candidates=4),
                seed=0,
                scorer=ScriptedScorer({}),
            )

        with RunDir.open(out, {"config": {"search": "scripted"}}) as run:
            await run_problems(
                problems,
                search,
                run=run,
                selectors={"first": select_first},
                seed=0,
                name="scripted",
                concurrency=len(problems),
            )


if __name__ == "__main__":
    asyncio.run(search_all([problem(name=f"p{n}") for n in range(50)], Path(sys.argv[1])))
