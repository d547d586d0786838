"""Step-level beam search: of all candidates of a level, those that the PPM values most go on.

Two of them. `step_beam` is the search as it is usually described, under the paper's rules for
steps. `official_beam` is the released code's, with three slips of its own that change its trees:
dead ends stay in the beam and take a place; where one stands before a live beam, the live one's
candidates are put below the dead one; finished solutions are counted off the width even where they
rank below it, and a width below zero cuts from the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bench.engines.base import Policy, StepScorer
from bench.prompts import START
from bench.sandbox import Sandbox
from bench.search.events import EventKind
from bench.search.expansion import Searcher
from bench.search.rules import OFFICIAL
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem


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
    """Search one problem until `config.width` solutions are finished or no beam can go on.

    A finished solution among the best of its level leaves the beam and takes its place along.
    """
    with Searcher.start(
        problem, policy, sandbox, scorer, search="beam", seed=seed, max_depth=config.max_depth
    ) as searcher:
        trace = searcher.trace
        beams, width = [trace.nodes[ROOT]], config.width
        for _ in range(config.max_depth):
            ranked = by_value(await expand_all(searcher, beams, config.candidates))[:width]
            if not ranked:
                break
            for end in ranked:
                if end.kind is NodeKind.ANSWER:
                    trace.record(EventKind.ROLLOUT, end)
            beams = [node for node in ranked if node.kind is not NodeKind.ANSWER]
            width = len(beams) if len(ranked) == width else width - (len(ranked) - len(beams))
            if not beams:
                break
        for unfinished in beams:
            trace.record(EventKind.ROLLOUT, unfinished)
        return trace


async def expand_all(searcher: Searcher, beams: list[Node], candidates: int) -> list[Node]:
    """Give every beam its candidates, side by side; return those of all that can go on."""
    proposals = await asyncio.gather(*(searcher.propose(beam, candidates) for beam in beams))
    children = []
    for beam, completions in zip(beams, proposals, strict=True):
        made = await searcher.adopt(beam, completions)
        await searcher.score(searcher.trace.text(beam.index), [[child] for child in made])
        children += made
    return children


def by_value(nodes: Iterable[Node]) -> list[Node]:
    """Return nodes by their PPM value, best first; of equals the earlier made first."""
    return sorted(nodes, key=lambda node: node.value or 0.0, reverse=True)


async def official_beam(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: Beam,
    seed: int,
    scorer: StepScorer,
    start: str = START,
) -> Trace:
    """Search one problem as the released code does; solutions are listed best first."""
    rules = replace(OFFICIAL, errors_threshold=1)
    with Searcher.start(
        problem,
        policy,
        sandbox,
        scorer,
        search="beam",
        seed=seed,
        rules=rules,
        max_depth=config.max_depth,
        text=start,
    ) as searcher:
        trace = searcher.trace
        candidates, width = [trace.nodes[ROOT]], config.width
        beams = candidates[:width]
        finished: list[Node] = []
        for _ in range(config.max_depth):
            if not any(_goes_on(beam) for beam in beams):
                break
            if not _made(trace, beams[0]):
                candidates = await _official_level(searcher, beams, config.candidates)
            candidates = by_value(candidates)
            answers = [node for node in candidates if node.kind is NodeKind.ANSWER]
            finished += answers
            width -= len(answers)
            beams = candidates[:width]
        for end in by_value(finished) or beams:
            trace.record(EventKind.ROLLOUT, end)
        return trace


async def _official_level(searcher: Searcher, beams: list[Node], candidates: int) -> list[Node]:
    """Expand what goes on, but hand the candidates out from the first beam, dead or not."""
    trace = searcher.trace
    going = [beam for beam in beams if _goes_on(beam)]
    proposals = await asyncio.gather(*(searcher.propose(beam, candidates) for beam in going))
    children = []
    for beam, completions in zip(beams, proposals, strict=False):
        await searcher.adopt(beam, completions, first=len(_made(trace, beam)))
        made = [node for node in _made(trace, beam) if node.kind not in _DROPPED]
        unscored = [[node] for node in made if node.value is None]
        await searcher.score(trace.text(beam.index), unscored)
        children += made
    return children


_DROPPED = (NodeKind.DUPLICATE, NodeKind.NOT_FIRST)


def _goes_on(node: Node) -> bool:
    return node.kind in (NodeKind.ROOT, NodeKind.STEP, NodeKind.CODE_END)


def _made(trace: Trace, parent: Node) -> list[Node]:
    return [node for node in trace.nodes if node.parent == parent.index]
