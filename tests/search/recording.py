"""Recorded searches of our own under the paper's rules, and how they were made.

Each line of `golden/paper.jsonl` holds what a scripted policy and scorer said and the tree that
grew. They were recorded before the rules became data (commit 06a33f4), so they pin what published
figures rest on. To record anew, after a change of the rules that is meant:

    python -m tests.search.recording
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.engines.base import PathScores, derive_seed
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import MCTS, Node, Trace, mcts
from tests.scripted import ScriptedPolicy, problem

GOLDEN = Path(__file__).parent / "golden" / "paper.jsonl"

_STEPS = (
    "\nx = {n}\n<end_of_step>",
    "\ny = {n} * 2\n<end_of_step>",
    "\n# only a remark\n<end_of_step>",
    "\nw = {n} / 0\n<end_of_step>",
    "\nv = undefined_{n}\n<end_of_step>",
    "\nfor in {n}\n<end_of_step>",
    "\nprint('seen', {n})\n<end_of_step>",
    "\nprint({n})\n<end_of_code>",
    "\nz = {n}\n<end_of_code>",
    "<answer>It is \\boxed{{{m}}}.<end_of_answer>",
    "<answer>I do not know.<end_of_answer>",
    "\nx = {n} +",
)
_LIKELY = (4, 3, 2, 1, 1, 1, 1, 4, 1, 1, 1, 1)


class Recorder(ScriptedPolicy):
    """Makes completions up as they are asked for, and keeps them."""

    def __init__(self, seed: int) -> None:
        super().__init__(self._invent)
        self.seed = seed
        self.completions: dict[str, list[str]] = {}

    def _invent(self, partial: str, index: int) -> str:
        rng = random.Random(derive_seed(self.seed, partial, index))
        if partial.rstrip().endswith("<end_of_output>") and rng.random() < 0.8:
            text = _STEPS[9]
        else:
            text = rng.choices(_STEPS, _LIKELY)[0]
        text = text.format(n=rng.randrange(3), m=rng.randrange(4))
        self.completions.setdefault(partial, []).append(text)
        return text


class RecordedScorer:
    """The value of a partial solution: as recorded, else made up and kept."""

    name = "recorded"
    aggregate = "last"

    def __init__(self, seed: int, values: dict[str, float] | None = None) -> None:
        self.seed, self.values = seed, {} if values is None else values

    def scoring(self, problem: object) -> RecordedScorer:
        return self

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        scores = []
        for path in paths:
            text, values = partial, []
            for step in path:
                text += step
                made_up = derive_seed(self.seed, "value", text) / 2**31 - 1
                values.append(self.values.setdefault(text, round(made_up, 4)))
            scores.append(values)
        sizes = tuple(map(len, paths))
        return PathScores(scores, sum(sizes), sizes)

    def close(self) -> None:
        pass


async def reward(trace: Trace, end: Node) -> float:
    """Two is right."""
    return 1.0 if end.answer == "2" else -1.0


def told(trace: Trace) -> dict[str, Any]:
    """What of a trace the recordings pin."""
    nodes = {
        node.path: [str(node.kind), node.text, node.q, node.visits, node.value, node.exhausted]
        for node in trace.nodes
    }
    return {
        "nodes": nodes,
        "rollouts": [trace.nodes[i].path for i in trace.rollouts],
        "finished": [trace.nodes[i].path for i in trace.finished],
        "tokens": [trace.usage.policy_prompt, trace.usage.policy_generated, trace.usage.ppm],
        "executions": trace.usage.executions,
    }


async def _record(index: int, sandbox: Sandbox) -> dict[str, Any]:
    rng = random.Random(index)
    config = MCTS(
        rollouts=rng.randint(3, 12), candidates=rng.randint(2, 4), max_depth=rng.choice((4, 6))
    )
    mode = ("terminal", "ppm", "test")[index % 3]
    policy, scorer = Recorder(index), RecordedScorer(index)
    trace = await mcts(
        problem(name=f"recorded-{index}"),
        policy,
        sandbox,
        config=config,
        seed=index,
        scorer=None if mode == "terminal" else scorer,
        reward=None if mode == "test" else reward,
    )
    return {
        "id": f"recorded-{index}",
        "mode": mode,
        "config": {
            "rollouts": config.rollouts,
            "candidates": config.candidates,
            "max_depth": config.max_depth,
            "c": config.c,
        },
        "completions": policy.completions,
        "scores": scorer.values,
        "expected": told(trace),
    }


async def _main() -> None:
    async with Sandbox(SandboxConfig(workers=1)) as sandbox:
        lines = [json.dumps(await _record(index, sandbox)) for index in range(12)]
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    asyncio.run(_main())
