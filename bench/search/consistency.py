"""Self-consistency that stops when its samples agree: fewer tokens for the same vote.

Samples are drawn until a rule (`bench.search.stopping`) calls the vote decided, and `n` at most.
What a rule would have saved of stored samples, `rstar-bench stopping` says without sampling again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from bench.answers import canonicalize
from bench.engines.base import Policy
from bench.knobs import Range, Use
from bench.sandbox import Sandbox
from bench.search.expansion import Expander
from bench.search.sampling import write_solutions
from bench.search.settings import SAMPLES, Samples, SearchConfig
from bench.search.steps import TaggedSteps
from bench.search.stopping import Answers, Rule, stop_when_a_window_agrees, stop_when_sure
from bench.search.tree import Trace
from bench.types import Problem

CONFIDENCE = 0.95
"""How sure adaptive-consistency is to be (its paper: 0.95)."""
WINDOW = 4
"""Samples of one of ESC's windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency(SearchConfig):
    """The knobs of a vote that stops early."""

    n: Annotated[Samples, Use.BUDGET, Use.LABEL] = SAMPLES
    """Solutions of a problem."""
    stop_rule: Literal["beta", "window"] = "beta"
    """`beta` stops when the most frequent answer is surely that, as adaptive-consistency does;
    `window` when a window of samples has one answer, as ESC does."""
    confidence: Annotated[float, Range(0.5, most=1, below=True)] = CONFIDENCE
    """How sure `beta` is to be (adaptive-consistency: 0.95)."""
    window: Samples = WINDOW
    """Samples of a window, drawn together."""

    @property
    def rule(self) -> Rule:
        """The rule that stops."""
        if self.stop_rule == "beta":
            return stop_when_sure(self.confidence)
        return stop_when_a_window_agrees(self.window)

    @property
    def asked(self) -> int:
        """Solutions that one request asks for."""
        return 1 if self.stop_rule == "beta" else self.window


async def sample_until_sure(
    problem: Problem, policy: Policy, sandbox: Sandbox, *, config: Consistency, seed: int
) -> Trace:
    """Write solutions at the policy's temperature until the vote is decided."""
    steps = TaggedSteps(sandbox)
    with Expander.start(problem, policy, steps, None, search="consistency", seed=seed) as expander:
        trace = expander.trace
        while (left := config.n - len(trace.rollouts)) and not config.rule(list_answers(trace)):
            await write_solutions(expander, min(config.asked, left), greedy=False)
        return trace


def list_answers(trace: Trace) -> Answers:
    """Return the answer of every sample of a trace in canonical form; None: it did not finish."""
    answers = [trace.nodes[end].answer for end in trace.rollouts]
    return [None if answer is None else canonicalize(answer) for answer in answers]
