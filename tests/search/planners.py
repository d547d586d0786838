"""A policy that writes plans as a script has them, and one that makes them up."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from bench.engines.base import Completion, Finish, derive_seed
from bench.types import Problem

START = "<plan>"


def step(number: int, words: str) -> str:
    return f"\n<step>Plan {number}: {words}</step>"


def solve(answer: str) -> str:
    return f"\n</plan>\n<solution>\nThe final answer is \\boxed{{{answer}}}.\n</solution>"


def program(code: str) -> str:
    return f"\n</plan>\n<solution>\n<code>\n{code}\n</solution>"


class Planner:
    """Proposes what the script lists for a partial solution, cut or cycled to n.

    An entry is a text and the geometric mean of its tokens' probabilities. Each text has 4 tokens.
    """

    name = "planner"

    def __init__(self, script: Mapping[str, Sequence[tuple[str, float]]]) -> None:
        self._script = script
        self.asked: list[tuple[str, int]] = []
        self.seeds: list[int] = []
        self.stops: list[Sequence[str]] = []

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
        self.asked.append((partial, n))
        self.seeds.append(seed)
        self.stops.append(stop)
        options = [self.options(partial, index, seed) for index in range(n)]
        return [
            Completion(
                text,
                Finish.STOP,
                tokens=4,
                prompt_tokens=10 if index == 0 else 0,
                logprob=math.log(prior),
            )
            for index, (text, prior) in enumerate(options)
        ]

    def options(self, partial: str, index: int, seed: int) -> tuple[str, float]:
        options = self._script[partial]
        return options[index % len(options)]


class Inventor(Planner):
    """Makes plans up as it is asked: steps, right and wrong solutions, malformed texts."""

    def __init__(self) -> None:
        super().__init__({})

    def options(self, partial: str, index: int, seed: int) -> tuple[str, float]:
        rng = random.Random(derive_seed(seed, index))
        depth = partial.count("</step>") + 1
        kind = rng.random()
        if kind < 0.5:
            text = step(depth, f"consider {rng.randrange(4)}")
        elif kind < 0.9:
            text = solve(str(rng.randrange(3)))
        else:
            text = step(depth + 1, "skip one")
        return text, rng.choice((0.2, 0.5, 0.9))
