"""The round-1 searcher of CPL's recipe for the embedded model: a rule-based writer of plans.

CPL's first round searches with its 7B base model, shown two examples; the embedded model cannot
bootstrap itself. This stands in for it on the families of arithmetic, words and countdown, and on
nothing else. At each step it writes a right step of a plan (`rstar_train.demonstrators.sketches`)
or, with a stated probability, a plausibly wrong one. When the plan is complete, right or wrong, it
writes the program that the plan amounts to, or one with a slip. It reads the question only; the
search's reward decides what was right. Results that rest on it say so.

What it tells as the probability of a text, which CPL's search goes by, is how often it writes right
or wrong ones: it knows which is which.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.engines.base import Completion, Finish, derive_seed
from bench.errors import EngineError
from bench.problems.generated import DIAL
from bench.prompts import tags
from bench.prompts.plans import END_OF_PLAN, END_OF_SOLUTION, END_OF_STEP, SOLUTION, STEP_OF_PLAN
from bench.types import Problem
from rstar_train.demonstrators.families import misread_one, mistake_code
from rstar_train.demonstrators.sketches import Countdown, Expression, Sketch, Story

SKETCHES: Mapping[str, Callable[[str], Sketch]] = {
    **{family.name: Expression.read for family in DIAL["arithmetic"]},
    **{family.name: Story.read for family in DIAL["words"]},
    **{family.name: Countdown.read for family in DIAL["countdown"]},
}
"""Families by name."""

_STEP = re.compile(r"<step>Plan \d+: (.*?)</step>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PlanDemonstrator:
    """Proposes steps of plans, and solutions, each right with probability 1 - `mistake_rate`."""

    mistake_rate: float
    """Probability that what is proposed is a plausible mistake."""
    name: str = "demonstrator of plans"

    def can_solve(self, problem: Problem) -> bool:
        """Whether the problem's family is one of those it was written for."""
        return problem.subject in SKETCHES

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
        """Return `n` candidate actions. Raises EngineError for a problem it cannot parse."""
        rate = 0.0 if greedy else self.mistake_rate
        sketch = sketch_of(problem)
        plan = _STEP.findall(partial)
        drawn = [
            next_action(sketch, plan, random.Random(derive_seed(seed, index)), rate)
            for index in range(n)
        ]
        # Words stand in for tokens: nothing is generated, and no cost is claimed for it.
        return [
            Completion(text, Finish.STOP, tokens=len(text.split()), logprob=math.log(probability))
            for text, probability in drawn
        ]


def sketch_of(problem: Problem) -> Sketch:
    """Read what a problem's plans are made of. Raises EngineError."""
    read = SKETCHES.get(problem.subject or "")
    if read is None:
        raise EngineError(
            f"the demonstrator of plans cannot solve {problem.id!r} of family "
            f"{problem.subject!r}; it knows {', '.join(sorted(SKETCHES))}"
        )
    try:
        return read(problem.question)
    except ValueError as error:
        raise EngineError(
            f"the demonstrator of plans cannot read the question of {problem.id!r}: {error}"
        ) from error


def next_action(
    sketch: Sketch, plan: Sequence[str], rng: random.Random, mistake_rate: float
) -> tuple[str, float]:
    """Return the step that follows a plan, or its solution where it is complete.

    With it comes how often one as right, or as wrong, is written there.
    """
    mistaken = rng.random() < mistake_rate
    probability = mistake_rate if mistaken else 1 - mistake_rate
    choice = sketch.choose(plan)
    if choice.right or choice.wrong:
        preferred = choice.wrong if mistaken else choice.right
        if not choice.right or not choice.wrong:
            probability = 1.0  # there is nothing else to write
        step = rng.choice(preferred or choice.right or choice.wrong)
        return f"\n{STEP_OF_PLAN}Plan {len(plan) + 1}: {step}{END_OF_STEP}", probability
    *lines, shown = sketch.write(plan)
    if mistaken and lines:
        at = rng.randrange(len(lines))
        lines[at] = _slip(lines[at], rng)
    code = "\n".join([tags.CODE, *lines, shown])
    return f"\n{END_OF_PLAN}\n{SOLUTION}\n{code}\n{END_OF_SOLUTION}", probability


def _slip(line: str, rng: random.Random) -> str:
    """Return a line with a number misread, or with another operation."""
    mistakes = [each for each in mistake_code(line)(rng) if each != line]
    return rng.choice(mistakes) if mistakes else misread_one(line, rng)
