"""Step-level beam search: of all candidates of a level, those that the PPM values most go on.

`step_beam` is the search as it is usually described, under the paper's rules for steps; the
released code's, with its slips, is `bench.search.official.beam`. `lookahead` is `step_beam` with
each candidate judged by where a few more greedy steps lead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

from bench.engines.base import Completion, Policy, StepScorer
from bench.knobs import Use
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.settings import Depth, Stepwise, Width
from bench.search.steps import TaggedSteps
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

Level = Callable[[Expander, list[Node], int], Awaitable[list[Node]]]
"""Gives every beam its candidates; returns those of all beams that can go on, best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beams(Stepwise):
    """The knobs of searches that keep several beams."""

    beam_width: Annotated[Width, Use.LABEL] = 4
    """Beams that go on at each level (README of the official code: 8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beam(Beams):
    """The knobs of a step beam."""

    rules: Literal["paper", "official", "efficient"] = "paper"
    """`paper` searches as the paper prints it, `official` as the released code plays it,
    `efficient`, ours, with tokens spent on what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookahead(Beams):
    """The knobs of a beam that looks ahead."""

    lookahead: Depth = 1
    """Greedy steps beyond a candidate by which it is judged."""


async def step_beam(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: Beam,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Search one problem until `beam_width` solutions are finished or no beam can go on."""
    steps = TaggedSteps(sandbox)
    with Expander.start(problem, policy, steps, scorer, search="beam", seed=seed) as expander:
        await grow_beams(expander, config, _best_first)
        return expander.trace


async def lookahead(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: Lookahead,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Beam search in which a candidate ranks by the PPM's value a few greedy steps further on.

    What was written only to look ahead is in the trace, marked, and in its cost. (Snell et al.
    2024, section 5.2.)
    """
    steps = TaggedSteps(sandbox)
    with Expander.start(problem, policy, steps, scorer, search="lookahead", seed=seed) as expander:
        await grow_beams(expander, config, partial(_furthest_first, steps=config.lookahead))
        return expander.trace


async def grow_beams(expander: Expander, config: Beams, level: Level) -> None:
    """Go down level by level; a finished solution leaves the beam and takes its place along."""
    trace = expander.trace
    beams, width = [trace.nodes[ROOT]], config.beam_width
    for _ in range(config.max_depth):
        ranked = (await level(expander, beams, config.candidates))[:width]
        if not ranked:
            break
        finished = [node for node in ranked if node.kind is NodeKind.ANSWER]
        for end in finished:
            trace.record(EventKind.ROLLOUT, end)
        width -= len(finished)
        beams = [node for node in ranked if node.kind is not NodeKind.ANSWER]
        if not beams:
            return
    for unfinished in beams:
        trace.record(EventKind.ROLLOUT, unfinished)


async def _best_first(expander: Expander, beams: list[Node], candidates: int) -> list[Node]:
    return by_value(await _expand(expander, beams, candidates))


async def _furthest_first(
    expander: Expander, beams: list[Node], candidates: int, *, steps: int
) -> list[Node]:
    children = await _expand(expander, beams, candidates)
    lines = {child.index: [child] for child in children}
    ahead = [child for child in children if child.kind is not NodeKind.ANSWER]
    for _ in range(steps):
        proposals = await asyncio.gather(
            *(
                expander.propose(lines[child.index][-1], 1, greedy=True, purpose="lookahead")
                for child in ahead
            )
        )
        going = []
        for child, (step,) in zip(ahead, proposals, strict=True):
            imagined = await _imagine(expander, lines[child.index][-1], candidates, step)
            if imagined.kind.is_valid:
                lines[child.index].append(imagined.node)
                if imagined.kind is not NodeKind.ANSWER:
                    going.append(child)
        ahead = going
    for child in children:
        beyond = lines[child.index][1:]
        if beyond:
            await expander.score(child, [beyond])
    worth = {index: line[-1].value or 0.0 for index, line in lines.items()}
    return sorted(children, key=lambda child: worth[child.index], reverse=True)


@dataclass(frozen=True, slots=True)
class _Imagined:
    """A step that only looks ahead, and what it would be in the tree."""

    node: Node
    kind: NodeKind


async def _imagine(expander: Expander, node: Node, candidate: int, step: Completion) -> _Imagined:
    """Run a step and add it as one that is no part of the tree."""
    execution = await expander.run(node, step.text)
    reading = expander.steps.read(expander.trace, node, step, execution)
    added = expander.add_step(node, candidate, step, execution, kind=NodeKind.LOOKAHEAD)
    return _Imagined(added, reading.kind)


async def _expand(expander: Expander, beams: list[Node], candidates: int) -> list[Node]:
    """Ask for all beams' candidates side by side; add and score them in order."""
    proposals = await asyncio.gather(*(expander.propose(beam, candidates) for beam in beams))
    children = []
    for beam, completions in zip(beams, proposals, strict=True):
        added = await expander.add_candidates(beam, completions)
        await expander.score(beam, [[child] for child in added])
        children += added
    return children


def by_value(nodes: Iterable[Node]) -> list[Node]:
    """Return nodes by their PPM value, best first; of equals the earlier made first."""
    return sorted(nodes, key=lambda node: node.value or 0.0, reverse=True)
