"""What the harness itself costs in a search: host CPU and memory for each node of MCTS.

The policy and the PPM are scripted and free, programs run in the sandbox, so what the event loop's
thread spends is the search's own: prompts, seeds, the tree, the clock, and talking to the sandbox.
"""

from __future__ import annotations

import asyncio
import random
import tracemalloc
from collections.abc import Sequence

from bench.engines.base import Completion, Finish, PathScores, derive_seed
from bench.prompts import tags
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import MCTS, Trace, mcts
from bench.speed.measure import Figure, measure_time
from bench.types import Problem

CANDIDATES = 8
DEPTH = 16


class _Scripted:
    """Policy and scorer: any step is followed by others, one in three ends the program."""

    name = "scripted"
    aggregate = "last"

    async def propose(
        self,
        problem: Problem,
        partial: str,
        *,
        n: int,
        seed: int,
        stop: Sequence[str],
        greedy: bool = False,
    ) -> list[Completion]:
        rng = random.Random(seed)
        if partial.endswith(f"{tags.END_OF_OUTPUT}\n"):
            texts = [
                f"{tags.ANSWER}\\boxed{{{rng.random()}}}{tags.END_OF_ANSWER}" for _ in range(n)
            ]
        else:
            texts = [
                f"\n# One more step\nx = {rng.random()}\nprint(x)\n"
                f"{tags.END_OF_CODE if rng.random() < 1 / 3 else tags.END_OF_STEP}"
                for _ in range(n)
            ]
        return [Completion(text, Finish.STOP, tokens=len(text) // 4) for text in texts]

    def scoring(self, problem: Problem) -> _Scripted:
        return self

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        values = [[derive_seed(partial, step) / 2**31 - 1 for step in path] for path in paths]
        return PathScores(values, tokens=len(paths))

    def close(self) -> None:
        pass


async def search() -> list[Figure]:
    """Time MCTS by rollouts and by problems in flight; weigh the trees it leaves."""
    async with Sandbox(SandboxConfig(cache=0)) as sandbox:
        await _host(sandbox, problems=1, rollouts=4)  # warm
        few = await _host(sandbox, problems=8, rollouts=8)
        many = await _host(sandbox, problems=1, rollouts=64)
        narrow = await _host(sandbox, problems=16, rollouts=1)
        wide = await _host(sandbox, problems=256, rollouts=1)
        memory = await _memory(sandbox)
    return [
        Figure("host CPU a node, 8 rollouts", 1000 * few, "ms", at_most=2.0),
        Figure("host CPU a node, 64 rollouts", 1000 * many, "ms"),
        Figure("64 / 8 rollouts", many / few, "x", at_most=1.1),
        Figure("host CPU a node, 16 problems", 1000 * narrow, "ms"),
        Figure("host CPU a node, 256 problems", 1000 * wide, "ms"),
        Figure("256 / 16 problems", wide / narrow, "x", at_most=1.2),
        Figure("memory of 1,000 nodes, clock included", memory / 2**20, "MiB"),
    ]


async def _searched(sandbox: Sandbox, problems: int, rollouts: int) -> list[Trace]:
    scripted = _Scripted()
    config = MCTS(rollouts=rollouts, candidates=CANDIDATES, max_depth=DEPTH)
    return await asyncio.gather(
        *(
            mcts(
                Problem(f"p{index}", "How many?", "", "scripted"),
                scripted,
                sandbox,
                config=config,
                seed=0,
                scorer=scripted,
            )
            for index in range(problems)
        )
    )


async def _host(sandbox: Sandbox, *, problems: int, rollouts: int) -> float:
    """Return the seconds of the event loop's thread for each node."""
    with measure_time() as watch:
        traces = await _searched(sandbox, problems, rollouts)
    return watch.host / sum(len(trace.nodes) for trace in traces)


async def _memory(sandbox: Sandbox) -> float:
    """Return the bytes of a finished trace for each 1,000 of its nodes."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    traces = await _searched(sandbox, 4, 4)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return 1000 * (after - before) / sum(len(trace.nodes) for trace in traces)
