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

from bench.engines.base import Policy, StepScorer
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Searcher
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem

Level = Callable[[Searcher, list[Node], int], Awaitable[list[Node]]]
"""Gives every beam its candidates; returns those of all beams that can go on, best first."""


@dataclass(frozen=True, slots=True)
class Beam:
    """The budget of a beam search."""

    width: int = 8
    """Beams that go on at each level (README of the official code: 8)."""
    candidates: int = 8
    """Candidate steps of each beam."""
    max_depth: int = 16
    """Steps of a solution at most."""


async def step_beam(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: Beam,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Search one problem until `config.width` solutions are finished or no beam can go on."""
    with Searcher.start(problem, policy, sandbox, scorer, search="beam", seed=seed) as searcher:
        await _beams(searcher, config, _best_first)
        return searcher.trace


async def lookahead(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: Beam,
    steps: int,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Beam search in which a candidate ranks by the PPM's value `steps` greedy steps further on.

    What was written only to look ahead is in the trace, marked, and in its cost. (Snell et al.
    2024, section 5.2.)
    """
    with Searcher.start(
        problem, policy, sandbox, scorer, search="lookahead", seed=seed
    ) as searcher:
        await _beams(searcher, config, partial(_furthest_first, steps=steps))
        return searcher.trace


async def _beams(searcher: Searcher, config: Beam, level: Level) -> None:
    """Go down level by level; a finished solution leaves the beam and takes its place along."""
    trace = searcher.trace
    beams, width = [trace.nodes[ROOT]], config.width
    for _ in range(config.max_depth):
        ranked = (await level(searcher, beams, config.candidates))[:width]
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


async def _best_first(searcher: Searcher, beams: list[Node], candidates: int) -> list[Node]:
    return by_value(await _expand(searcher, beams, candidates))


async def _furthest_first(
    searcher: Searcher, beams: list[Node], candidates: int, *, steps: int
) -> list[Node]:
    children = await _expand(searcher, beams, candidates)
    lines = {child.index: [child] for child in children}
    ahead = [child for child in children if child.kind is not NodeKind.ANSWER]
    for _ in range(steps):
        proposals = await asyncio.gather(
            *(
                searcher.propose(lines[child.index][-1], 1, greedy=True, purpose="lookahead")
                for child in ahead
            )
        )
        going = []
        for child, (step,) in zip(ahead, proposals, strict=True):
            node, goes_on = await searcher.imagine(lines[child.index][-1], candidates, step)
            if goes_on is not None:
                lines[child.index].append(node)
            if goes_on:
                going.append(child)
        ahead = going
    for child in children:
        imagined = lines[child.index][1:]
        if imagined:
            await searcher.score(searcher.trace.text(child.index), [imagined])
    worth = {index: line[-1].value or 0.0 for index, line in lines.items()}
    return sorted(children, key=lambda child: worth[child.index], reverse=True)


async def _expand(searcher: Searcher, beams: list[Node], candidates: int) -> list[Node]:
    """Ask for all beams' candidates side by side; add them in order."""
    proposals = await asyncio.gather(*(searcher.propose(beam, candidates) for beam in beams))
    children = []
    for beam, completions in zip(beams, proposals, strict=True):
        children += await searcher.take(beam, completions)
    return children


def by_value(nodes: Iterable[Node]) -> list[Node]:
    """Return nodes by their PPM value, best first; of equals the earlier made first."""
    return sorted(nodes, key=lambda node: node.value or 0.0, reverse=True)
