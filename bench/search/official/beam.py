"""Step beam search as the released code plays it, with three slips of its own that shape its trees.

Dead ends stay in the beam and take a place. Where one stands before a live beam, the live one's
candidates are put below the dead one. Finished solutions are counted off the width even where they
rank below it, and a width below zero cuts from the end. Replays depend on each; nobody should
search like this otherwise.
"""

from __future__ import annotations

import asyncio

from bench.engines.base import Policy, StepScorer
from bench.prompts import START
from bench.sandbox import Sandbox
from bench.search.beam import Beam, by_value
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.official.steps import WholePrograms
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem


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
    steps = WholePrograms(sandbox, config.max_depth)
    with Expander.start(
        problem, policy, steps, scorer, search="beam", seed=seed, rules="official", text=start
    ) as expander:
        trace = expander.trace
        candidates, width = [trace.nodes[ROOT]], config.beam_width
        beams = candidates[:width]
        finished: list[Node] = []
        for _ in range(config.max_depth):
            if not any(_goes_on(beam) for beam in beams):
                break
            if not _made(trace, beams[0]):
                candidates = await _official_level(expander, beams, config.candidates)
            candidates = by_value(candidates)
            answers = [node for node in candidates if node.kind is NodeKind.ANSWER]
            finished += answers
            width -= len(answers)
            beams = candidates[:width]
        for end in by_value(finished) or beams:
            trace.record(EventKind.ROLLOUT, end)
        return trace


async def _official_level(expander: Expander, beams: list[Node], candidates: int) -> list[Node]:
    """Expand what goes on, but hand the candidates out from the first beam, dead or not."""
    trace = expander.trace
    going = [beam for beam in beams if _goes_on(beam)]
    proposals = await asyncio.gather(*(expander.propose(beam, candidates) for beam in going))
    children = []
    for beam, completions in zip(beams, proposals, strict=False):
        await expander.add_candidates(beam, completions, first=len(_made(trace, beam)))
        made = [node for node in _made(trace, beam) if node.kind not in _DROPPED]
        unscored = [[node] for node in made if node.value is None]
        await expander.score(beam, unscored)
        children += made
    return children


_DROPPED = (NodeKind.DUPLICATE, NodeKind.NOT_FIRST)


def _goes_on(node: Node) -> bool:
    return node.kind in (NodeKind.ROOT, NodeKind.STEP, NodeKind.CODE_END)


def _made(trace: Trace, parent: Node) -> list[Node]:
    return [node for node in trace.nodes if node.parent == parent.index]
