"""The round-1 searcher: a rule-based writer of code-augmented steps, behind the Policy protocol.

rStar-Math's first round searches with a 236B policy because a small model cannot bootstrap itself;
the embedded model cannot either (few-shot pass@16 of 0 to 25 %). This stands in for that policy,
on the families of the lowest tier whose wording it can parse, and on nothing else. At each step it
writes the right code or, with a stated probability, a plausible mistake: a misread number, a wrong
operation, a skipped term, a name that does not exist. It reads the question only, never the
reference answer; the search's reward decides what was right. Results that rest on it say so.
"""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.engines.base import Completion, Finish, derive_seed
from bench.errors import EngineError
from bench.prompts import tags
from bench.types import Problem
from rstar_train.demonstrators import games
from rstar_train.demonstrators.families import PLANNERS, Plan, misread


@dataclass(frozen=True, slots=True)
class RuleDemonstrator:
    """Proposes steps of a fixed plan, each right with probability 1 - `mistake_rate`."""

    mistake_rate: float
    """Probability that a proposed step is a plausible mistake."""
    name: str = "demonstrator"

    def can_solve(self, problem: Problem) -> bool:
        """Whether the problem's family is one of those it was written for."""
        return problem.subject in PLANNERS or problem.subject in games.FAMILIES

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
        """Return `n` candidate next steps. Raises EngineError for a problem it cannot parse."""
        rate = 0.0 if greedy else self.mistake_rate
        if problem.subject in games.FAMILIES:
            play = functools.partial(games.next_step, problem.question)
            with _naming(problem):
                return _draw_steps(play, partial, n=n, seed=seed, mistake_rate=rate)
        return propose_plan(plan_for(problem), partial, n=n, seed=seed, mistake_rate=rate)


Step = Callable[[str, random.Random, float], str]
"""Writes the step that follows a partial solution, from a generator and a rate of mistakes."""


def propose_plan(
    plan: Plan, partial: str, *, n: int, seed: int, mistake_rate: float
) -> list[Completion]:
    """Return `n` candidates for the step of a plan that follows `partial`."""
    return _draw_steps(
        functools.partial(_next_step, plan), partial, n=n, seed=seed, mistake_rate=mistake_rate
    )


def _draw_steps(
    step: Step, partial: str, *, n: int, seed: int, mistake_rate: float
) -> list[Completion]:
    texts = [
        step(partial, random.Random(derive_seed(seed, index)), mistake_rate) for index in range(n)
    ]
    # Words stand in for tokens: nothing is generated, and no cost is claimed for it.
    return [Completion(text, Finish.STOP, tokens=len(text.split())) for text in texts]


def plan_for(problem: Problem) -> Plan:
    """Parse a problem into the steps that solve it. Raises EngineError."""
    planner = PLANNERS.get(problem.subject or "")
    if planner is None:
        raise EngineError(
            f"the demonstrator cannot solve {problem.id!r} of family {problem.subject!r}; it knows "
            f"{', '.join(sorted({*PLANNERS, *games.FAMILIES}))}"
        )
    with _naming(problem):
        return planner(problem.question)


@contextlib.contextmanager
def _naming(problem: Problem) -> Iterator[None]:
    """Name the problem whose question cannot be parsed. Raises EngineError."""
    try:
        yield
    except (ValueError, SyntaxError) as error:
        raise EngineError(
            f"the demonstrator cannot parse the question of {problem.id!r}: {error}"
        ) from error


def _next_step(plan: Plan, partial: str, rng: random.Random, mistake_rate: float) -> str:
    mistaken = rng.random() < mistake_rate
    if tags.END_OF_CODE in partial:
        printed = partial.rsplit(tags.OUTPUT, 1)[1].split(tags.END_OF_OUTPUT)[0]
        printed = printed.removesuffix(".0")  # a quotient that is a whole number
        answer = misread(printed, rng) if mistaken and rng.random() < 0.25 else printed
        boxed = f"\\boxed{{{answer}}}"
        said = boxed if plan.terse else f"The answer is {boxed}."
        return f"{tags.ANSWER}{said}{tags.END_OF_ANSWER}"
    done = partial.count(tags.END_OF_STEP)
    if done >= len(plan.steps):
        said = "" if plan.terse else "\n# Now print the final answer"
        return f"{said}\nprint({plan.result})\n{tags.END_OF_CODE}"
    step = plan.steps[done]
    code = rng.choice(step.mistakes(rng)) if mistaken else step.code
    comment = rng.choice(step.comments)
    number = "" if plan.terse else f"Step {done + 1}: "
    return f"\n# {number}{comment}\n{code}\n{tags.END_OF_STEP}"
