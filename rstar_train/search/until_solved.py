"""How training spends more search on hard problems (rStar-Math, section 3.4 and appendix).

A problem that no trajectory has solved gets more rollouts. That needs a reward, so it is for
training data only.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.engines.base import Policy, StepScorer
from bench.sandbox import Sandbox
from bench.search import MCTS, Reward, Trace
from bench.search.efficient import grow_efficient_tree, start_efficient_tree
from bench.search.mcts import grow_tree, start_tree
from bench.search.official.mcts import grow_official_tree, start_official_tree
from bench.types import Problem

RULES = {
    "paper": (start_tree, grow_tree),
    "official": (start_official_tree, grow_official_tree),
    "efficient": (start_efficient_tree, grow_efficient_tree),
}
"""How a tree is begun and grown, by `MCTS.rules`."""


async def search_until_solved(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: MCTS,
    seed: int,
    reward: Reward,
    budgets: Sequence[int],
    scorer: StepScorer | None = None,
) -> Trace:
    """Grow one tree to each of the budgets in turn, until an answer is right.

    `budgets` are rollouts in all, not more of them, and stand in place of `config.rollouts`: the
    tree is the one that a search with the budget it stopped at would have grown.
    """
    start, grow = RULES[config.rules]
    with start(problem, policy, sandbox, scorer, reward, config=config, seed=seed) as expander:
        for rollouts in sorted(budgets):
            await grow(expander, config, reward, rollouts=rollouts)
            if is_solved(expander.trace):
                break
        return expander.trace


def is_solved(trace: Trace) -> bool:
    """Whether a trajectory of a rewarded search was right."""
    return any(trace.nodes[index].mean > 0 for index in trace.finished)
