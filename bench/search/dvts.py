"""Diverse verifier tree search: independent subtrees, each following its best candidate.

Beam search ranks all candidates against each other and soon holds near copies of one solution.
Here each subtree takes the best of its own candidates at each step and knows nothing of the others
(Beeching, Tunstall and Rush 2024). The first k subtrees are what a search with k would have grown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bench.engines.base import Policy, StepScorer
from bench.sandbox import Sandbox
from bench.search.beam import by_value
from bench.search.clock import first_candidate, one_after_the_other
from bench.search.events import EventKind
from bench.search.expansion import Searcher
from bench.search.tree import ROOT, Node, NodeKind, Trace
from bench.types import Problem


@dataclass(frozen=True, slots=True)
class DVTS:
    """The budget of a diverse verifier tree search."""

    subtrees: int = 8
    candidates: int = 4
    """Candidate steps of each subtree at each step."""
    max_depth: int = 16
    """Steps of a solution at most."""


async def dvts(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: DVTS,
    seed: int,
    scorer: StepScorer,
) -> Trace:
    """Grow `config.subtrees` solutions of one problem."""
    with Searcher.start(problem, policy, sandbox, scorer, search="dvts", seed=seed) as searcher:
        trace = searcher.trace
        tips = [trace.nodes[ROOT]] * config.subtrees
        growing = list(range(config.subtrees))
        for _ in range(config.max_depth):
            proposals = await asyncio.gather(
                *(
                    searcher.propose(tips[tree], config.candidates, purpose=f"subtree {tree}")
                    for tree in growing
                )
            )
            still = []
            for tree, completions in zip(growing, proposals, strict=True):
                # The root's candidates are numbered through, which tells the subtrees apart.
                first = tree * config.candidates if tips[tree].index == ROOT else 0
                children = await searcher.take(tips[tree], completions, first=first)
                tips[tree] = by_value(children)[0] if children else trace.nodes[-1]
                if children and tips[tree].kind is not NodeKind.ANSWER:
                    still.append(tree)
            growing = still
        for tip in tips:
            trace.record(EventKind.ROLLOUT, tip)
        one_after_the_other(trace, lambda node: _subtree(node, config.candidates))
        return trace


def _subtree(node: Node, candidates: int) -> int:
    return first_candidate(node) // candidates
