"""A policy that costs nothing, for what is measured beside generation: the harness itself.

It is its own scorer too. What it writes and how it values a step are functions of the request.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from bench.checkpoints.ppm_config import LAST
from bench.engines.base import Completion, Finish, PathScores, derive_seed
from bench.prompts import plans, tags
from bench.types import Problem

Write = Callable[[Problem, str, int, int], list[str]]
"""Continues a problem's partial solution in so many ways, from a seed."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """Policy and scorer at once, of what one function writes."""

    write: Write
    name: str = "scripted"
    aggregate: str = LAST

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
        """Return what is written; a token is four characters, of a probability of one half."""
        return [
            Completion(text, Finish.STOP, tokens=len(text) // 4, logprob=math.log(0.5))
            for text in self.write(problem, partial, n, seed)
        ]

    def scoring(self, problem: Problem) -> Self:
        """Return itself."""
        return self

    async def score(self, partial: str, paths: Sequence[Sequence[str]]) -> PathScores:
        """Value each step by a hash of it."""
        values = [[derive_seed(partial, step) / 2**31 - 1 for step in path] for path in paths]
        return PathScores(values, tokens=len(paths))

    def close(self) -> None:
        """Hold nothing."""


def answer_at_once(problem: Problem, partial: str, n: int, seed: int) -> list[str]:
    """Answer with the reference, and with numbers beside it: right in one of four cases."""
    first = int(problem.answer) - seed % n
    return [f"{tags.ANSWER}It is \\boxed{{{first + at}}}.{tags.END_OF_ANSWER}" for at in range(n)]


def write_steps(problem: Problem, partial: str, n: int, seed: int) -> list[str]:
    """Write steps of code, one in three the program's last; below its output, an answer."""
    rng = random.Random(seed)
    if partial.endswith(f"{tags.END_OF_OUTPUT}\n"):
        return [f"{tags.ANSWER}\\boxed{{{rng.random()}}}{tags.END_OF_ANSWER}" for _ in range(n)]
    return [
        f"\n# One more step\nx = {rng.random()}\nprint(x)\n"
        f"{tags.END_OF_CODE if rng.random() < 1 / 3 else tags.END_OF_STEP}"
        for _ in range(n)
    ]


def write_plans(problem: Problem, partial: str, n: int, seed: int) -> list[str]:
    """Write steps of a plan; one action in three is a solution, which is a program."""
    rng = random.Random(seed)
    number = partial.count(plans.END_OF_STEP) + 1
    actions = []
    for _ in range(n):
        if rng.random() < 1 / 3:
            program = f"{tags.CODE}\nx = {rng.random()}\nprint(x)\n{tags.END_OF_CODE}"
            solution = f"{plans.SOLUTION}\n{program}\n{plans.END_OF_SOLUTION}"
            actions.append(f"\n{plans.END_OF_PLAN}\n{solution}")
        else:
            step = f"Plan {number}: Add {rng.random()} to it."
            actions.append(f"\n{plans.STEP_OF_PLAN}{step}{plans.END_OF_STEP}")
    return actions
