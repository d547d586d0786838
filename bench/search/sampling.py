"""Policy-only searches: one greedy solution, or n sampled ones for majority and best-of-N.

A program is written whole, then its steps are run in turn, then the answer is written below the
output: no step is chosen over another. With a scorer, every step of every finished sample is
scored, so that any aggregation (last, min, mean, product) can be chosen afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Protocol

from bench.engines.base import Completion, Policy, StepScorer
from bench.errors import BenchError
from bench.knobs import Count, Use
from bench.prompts.tags import ANSWER, END_OF_OUTPUT, END_OF_STEP, SOLUTION_STOPS
from bench.sandbox import Sandbox
from bench.search.clock import find_first_candidate, put_in_sequence
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.settings import SAMPLES, Samples, SearchConfig
from bench.search.steps import TaggedSteps
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

MAX_OUTPUTS = 16
"""Outputs that one solution is shown, the last of them included."""


class Write(Protocol):
    """Adds `n` solutions to those that a tree has."""

    def __call__(self, expander: Expander, n: int, *, greedy: bool) -> Awaitable[None]:
        """Write them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Greedy(SearchConfig):
    """Greedy decoding has no knobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling(SearchConfig):
    """The knobs of sampling."""

    n: Annotated[Samples, Use.BUDGET, Use.LABEL] = SAMPLES
    """Solutions of a problem."""
    tokens: Annotated[Count, Use.BUDGET] | None = None
    """Generated tokens of a problem after which nothing new is begun; none: `n` solutions."""
    greedy_first: bool | None = None
    """Whether the first of the solutions is the greedy one; none: no."""
    at_once: Samples | None = None
    """Solutions that one request asks for, of which `n` is a multiple; none: all. They share a
    seed, so that a stored run grows in `n` only by requests of the size of its own."""

    def __post_init__(self) -> None:
        """Refuse a last request that is smaller. Raises BenchError."""
        if self.n % self.asked:
            raise BenchError(
                f"n={self.n} solutions are no whole number of requests of at_once={self.asked}; "
                "give an n that is a multiple of it"
            )

    @property
    def asked(self) -> int:
        """Solutions that one request asks for."""
        return self.n if self.at_once is None else min(self.n, self.at_once)

    def refuse_growth(self, stored: Sampling) -> str:
        """Return why solutions of `stored` settings are not the first of these; else nothing."""
        fewer = self.tokens is not None and self.tokens < (stored.tokens or 0)
        if self.n < stored.n or fewer or (self.tokens is None and stored.tokens is not None):
            return "it holds more than is asked for (`report --tokens` cuts a run)"
        if self.asked != stored.asked:
            return (
                f"its solutions were asked for {stored.asked} at once, and {self.asked} at once "
                f"are others; add to them with --n {_multiple_above(self.n, stored.asked)} "
                f"--at-once {stored.asked}"
            )
        return ""

    def is_reached(self, tokens: Sequence[int]) -> bool:
        """Whether solutions of so many generated tokens each are all that is asked for.

        A policy that writes nothing is asked no more: it would never be enough.
        """
        if len(tokens) < self.n:
            return False
        return self.tokens is None or sum(tokens) >= self.tokens or not sum(tokens[-self.asked :])


def _multiple_above(n: int, of: int) -> int:
    return -(-n // of) * of


async def greedy(
    problem: Problem, policy: Policy, sandbox: Sandbox, *, seed: int, config: Greedy = Greedy()
) -> Trace:
    """Write one solution, always the likeliest token."""
    steps = TaggedSteps(sandbox)
    with Expander.start(problem, policy, steps, None, search="greedy", seed=seed) as expander:
        await write_solutions(expander, 1, greedy=True)
        return expander.trace


async def sample(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: Sampling,
    seed: int,
    scorer: StepScorer | None = None,
    begun: Trace | None = None,
) -> Trace:
    """Write `config.n` independent solutions at the policy's temperature, or as many as it takes.

    A run with a larger budget begins with the solutions of one with a smaller, whose trace may be
    given as `begun`.
    """
    steps = TaggedSteps(sandbox)
    with Expander.start(problem, policy, steps, scorer, search="sample", seed=seed) as expander:
        await fill_budget(expander, config, write_solutions, begun)
        return expander.trace


async def fill_budget(
    expander: Expander, config: Sampling, write: Write, begun: Trace | None = None
) -> None:
    """Write as many solutions as the settings ask for, and are not begun already."""
    if begun is not None:
        await _take_up(expander, begun, config)
    trace = expander.trace
    if not trace.rollouts:
        sampled = config.asked
        if config.greedy_first:
            await write(expander, 1, greedy=True)
            sampled -= 1
        if sampled:
            await write(expander, sampled, greedy=False)
    while not config.is_reached([_count_tokens(trace, end) for end in trace.rollouts]):
        await write(expander, config.asked, greedy=False)


def _count_tokens(trace: Trace, end: int) -> int:
    return sum(node.tokens for node in trace.lineage(end))


async def _take_up(expander: Expander, begun: Trace, config: Sampling) -> None:
    """Go on with a stored trace.

    Its solutions are scored again, write by write, and the scores dropped: what a scorer has read
    decides what the next solutions cost it, and how its sums are rounded.
    """
    expander.trace = begun
    ends, first = list(begun.rollouts), 0
    while first < len(ends):
        greedy = first == 0 and bool(config.greedy_first)
        last = 1 if greedy else -(-(first + 1) // config.asked) * config.asked
        of_write = [begun.nodes[end] for end in ends[first:last]]
        answers = [end for end in of_write if end.kind is NodeKind.ANSWER]
        if expander.scoring is not None and answers:
            paths = [[node.text for node in begun.lineage(end.index)] for end in answers]
            await expander.scoring.score(begun.text(ROOT), paths)
        first = last


async def write_solutions(expander: Expander, n: int, *, greedy: bool) -> None:
    """Add `n` solutions to those that there are."""
    root = expander.trace.nodes[ROOT]
    lasts = []
    for index, program in await begin_samples(expander, n, SOLUTION_STOPS, greedy=greedy):
        lasts.append(await add_chain(expander, root, index, program, _split(program.text)))
    # What waits for its output is gone on with below it: an answer, or the rest of a program.
    for _ in range(MAX_OUTPUTS):
        waiting = [at for at, last in enumerate(lasts) if _is_open(last)]
        if not waiting:
            break
        texts = await asyncio.gather(
            *(expander.propose(lasts[at], 1, SOLUTION_STOPS, greedy=greedy) for at in waiting)
        )
        for at, (text,) in zip(waiting, texts, strict=True):
            end = lasts[at]
            if end.kind is NodeKind.CODE_END:
                lasts[at] = expander.add_step(end, 0, text, None)
            else:
                lasts[at] = await add_chain(expander, end, 0, text, _split(text.text))
    await end_samples(expander, lasts)


async def begin_samples(
    expander: Expander, n: int, stops: Sequence[str], *, greedy: bool
) -> list[tuple[int, Completion]]:
    """Return `n` texts that continue the root, numbered after the samples that there are."""
    root, first = expander.trace.nodes[ROOT], len(expander.trace.rollouts)
    purpose = f"propose from {first}" if first else "propose"
    texts = await expander.propose(root, n, stops, greedy=greedy, purpose=purpose)
    return list(enumerate(texts, start=first))


async def end_samples(expander: Expander, lasts: Sequence[Node]) -> None:
    """Score the samples that are finished, and let each end, in order."""
    trace, root = expander.trace, expander.trace.nodes[ROOT]
    finished = [trace.lineage(last.index) for last in lasts if last.kind is NodeKind.ANSWER]
    await expander.score(root, finished)
    for last in lasts:
        trace.record(EventKind.ROLLOUT, last)
    put_in_sequence(trace, find_first_candidate)


def _is_open(end: Node) -> bool:
    """Whether an output has been shown, below which the policy is to go on."""
    return end.kind.is_valid and end.text.endswith(f"{END_OF_OUTPUT}\n")


async def add_chain(
    expander: Expander, root: Node, index: int, whole: Completion, texts: Sequence[str]
) -> Node:
    """Add a completion below the root as a chain of steps, run in turn; stop where one fails.

    The request's tokens are booked on the chain's first node: all of it is one completion.
    """
    node, candidate = root, index
    step = whole
    for text in texts:
        step = replace(step, text=text)
        node = expander.add_step(node, candidate, step, await expander.run(node, text))
        candidate, step = 0, replace(step, tokens=0, prompt_tokens=0, cached_tokens=0)
        if not node.kind.is_valid:
            break
    return node


def _split(text: str) -> list[str]:
    """Cut a program behind each end-of-step tag; an answer block is one step.

    What follows the last such tag is always a part of its own: empty, it says that the program
    broke off between two steps.
    """
    if ANSWER in text:
        return [text]
    *steps, last = text.split(END_OF_STEP)
    return [*(step + END_OF_STEP for step in steps), last]
