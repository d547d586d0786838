"""Preference pairs of a policy, in the columns of Step-DPO's data set, with what Step-APO adds.

A line of `pairs.jsonl` holds the columns of Math-Step-DPO-10K: `dataset`, `prompt` (the question
alone), `initial_reason_steps` (the solution so far), `chosen` and `rejected` (what follows it),
`full_chosen` and `full_rejected` (that and the rest of a solution), `answer`. Beside them stand
`q_chosen` and `q_rejected`, the `margin` that is learnt, what kind of pair it is, and, once they
are known, both sides' log-probabilities under the reference policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.prompts.plans import PLANS, START_OF_PLAN

PAIRS, INSTANCES, REFERENCED = "pairs.jsonl", "instances.jsonl", "referenced.jsonl"

PairKind = Literal["step", "solution", "instance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceRow:
    """Two continuations of one partial solution, the first preferred."""

    problem_id: str
    dataset: str
    """The benchmark that the problem is of."""
    prompt: str
    """The question alone."""
    initial_reason_steps: str
    """What the policy has written below `<plan>`; empty at the first step."""
    chosen: str
    rejected: str
    full_chosen: str
    """The chosen side and the rest of a right solution that goes on from it."""
    full_rejected: str
    """The rejected side and the rest of a wrong one; the side alone where it was not gone on."""
    answer: str
    q_chosen: float
    q_rejected: float
    margin: float
    """What alpha is multiplied with: q_chosen - q_rejected, for solutions scaled down."""
    kind: PairKind
    """`step`: steps of a plan below one prefix; `solution`: solutions below one plan; `instance`:
    whole responses."""
    ref_chosen: float | None = None
    """Log-probability of the chosen side under the reference policy, in nats; null until known."""
    ref_rejected: float | None = None

    @property
    def rendered(self) -> str:
        """What the policy has read and written before the two sides part."""
        return PLANS.render(self.prompt, START_OF_PLAN + self.initial_reason_steps)
