"""What the harness itself costs in a search: host CPU and memory for each node of a tree.

The policy and the PPM are scripted and free, programs run in the sandbox, so what the event loop's
thread spends is the search's own: prompts, seeds, the tree, the clock, and talking to the sandbox.
"""

from __future__ import annotations

import asyncio
import tracemalloc

from bench.sandbox import Sandbox, SandboxConfig
from bench.search import CPL, MCTS, Trace, mcts, plan_mcts
from bench.speed.measure import Figure, measure_time
from bench.speed.scripted import Scripted, write_plans, write_steps
from bench.types import Problem

CANDIDATES = 8
DEPTH = 16
ITERATIONS = 100
"""Of CPL's search, as its released code has them in round 2."""


async def search() -> list[Figure]:
    """Time MCTS by rollouts and by problems in flight, and CPL beside it; weigh a tree."""
    async with Sandbox(SandboxConfig(cache=0)) as sandbox:
        await _host(sandbox, _mcts(4), problems=1)  # warm
        few = await _host(sandbox, _mcts(8), problems=8)
        many = await _host(sandbox, _mcts(64), problems=1)
        plans = await _host(sandbox, CPL(iterations=ITERATIONS), problems=8)
        narrow = await _host(sandbox, _mcts(1), problems=16)
        wide = await _host(sandbox, _mcts(1), problems=256)
        memory = await _memory(sandbox)
    return [
        Figure("host CPU a node, 8 rollouts", 1000 * few, "ms", at_most=2.0),
        Figure("host CPU a node, 64 rollouts", 1000 * many, "ms"),
        Figure("64 / 8 rollouts", many / few, "x", at_most=1.1),
        Figure(f"host CPU a node, CPL, {ITERATIONS} iterations", 1000 * plans, "ms"),
        Figure("CPL / MCTS of 8 rollouts", plans / few, "x", at_most=1.1),
        Figure("host CPU a node, 16 problems", 1000 * narrow, "ms"),
        Figure("host CPU a node, 256 problems", 1000 * wide, "ms"),
        Figure("256 / 16 problems", wide / narrow, "x", at_most=1.2),
        Figure("memory of 1,000 nodes, clock included", memory / 2**20, "MiB"),
    ]


def _mcts(rollouts: int) -> MCTS:
    return MCTS(rollouts=rollouts, candidates=CANDIDATES, max_depth=DEPTH)


async def _searched(sandbox: Sandbox, config: MCTS | CPL, problems: int) -> list[Trace]:
    questions = [Problem(f"p{index}", "How many?", "", "scripted") for index in range(problems)]
    if isinstance(config, CPL):
        plans = Scripted(write_plans)
        searches = [
            plan_mcts(question, plans, sandbox, config=config, seed=0, scorer=plans)
            for question in questions
        ]
    else:
        steps = Scripted(write_steps)
        searches = [
            mcts(question, steps, sandbox, config=config, seed=0, scorer=steps)
            for question in questions
        ]
    return await asyncio.gather(*searches)


async def _host(sandbox: Sandbox, config: MCTS | CPL, *, problems: int) -> float:
    """Return the seconds of the event loop's thread for each node."""
    with measure_time() as watch:
        traces = await _searched(sandbox, config, problems)
    return watch.host / sum(len(trace.nodes) for trace in traces)


async def _memory(sandbox: Sandbox) -> float:
    """Return the bytes of a finished trace for each 1,000 of its nodes."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    traces = await _searched(sandbox, _mcts(4), problems=4)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return 1000 * (after - before) / sum(len(trace.nodes) for trace in traces)
