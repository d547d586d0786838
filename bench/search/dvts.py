"""Diverse verifier tree search: independent subtrees, each following its best candidate.

Beam search ranks all candidates against each other and soon holds near copies of one solution.
Here each subtree takes the best of its own candidates at each step and knows nothing of the others
(Beeching, Tunstall and Rush 2024). The first k subtrees are what a search with k would have grown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from bench.engines.base import Policy, StepScorer
from bench.knobs import Use
from bench.sandbox import Sandbox
from bench.search.beam import by_value
from bench.search.clock import find_first_candidate, put_in_sequence
from bench.search.events import EventKind
from bench.search.expansion import Expander
from bench.search.settings import SAMPLES, Samples, Stepwise
from bench.search.steps import TaggedSteps
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class DVTS(Stepwise):
    """The knobs of a diverse verifier tree search."""

    n: Annotated[Samples, Use.BUDGET, Use.LABEL] = SAMPLES
    """Independent subtrees, each with a solution of its own."""


async def dvts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: DVTS,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Grow `config.n` solutions of one problem."""
    steps = TaggedSteps(sandbox)
    with Expander.start(problem, policy, steps, scorer, search="dvts", seed=seed) as expander:
        trace = expander.trace
        tips = [trace.nodes[ROOT]] * config.n
        growing = list(range(config.n))
        for _ in range(config.max_depth):
            proposals = await asyncio.gather(
                *(
                    expander.propose(tips[tree], config.candidates, purpose=f"subtree {tree}")
                    for tree in growing
                )
            )
            still = []
            for tree, completions in zip(growing, proposals, strict=True):
                # The root's candidates are numbered through, which tells the subtrees apart.
                first = tree * config.candidates if tips[tree].index == ROOT else 0
                children = await expander.add_candidates(tips[tree], completions, first=first)
                await expander.score(tips[tree], [[child] for child in children])
                tips[tree] = by_value(children)[0] if children else trace.nodes[-1]
                if children and tips[tree].kind is not NodeKind.ANSWER:
                    still.append(tree)
            growing = still
        for tip in tips:
            trace.record(EventKind.ROLLOUT, tip)
        put_in_sequence(trace, lambda node: _subtree(node, config.candidates))
        return trace


def _subtree(node: Node, candidates: int) -> int:
    return find_first_candidate(node) // candidates
