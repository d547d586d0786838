"""How training spends more search on hard problems (rStar-Math, section 3.4 and appendix).

A problem that no trajectory has solved gets more rollouts, and each problem may get several trees
from different seeds. Both need a reward, so both are for training data only.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.engines.base import Policy, StepScorer
from bench.sandbox import Sandbox
from bench.search.mcts import MCTS, Reward, grow, searching
from bench.search.rules import PAPER, Rules
from bench.search.tree import Trace
from bench.types import Problem


async def mcts_until_solved(
    problem: Problem,
    policy: Policy,
    sandbox: Sandbox,
    *,
    config: MCTS,
    seed: int,
    reward: Reward,
    budgets: Sequence[int],
    scorer: StepScorer | None = None,
    rules: Rules = PAPER,
) -> Trace:
    """Grow one tree to each of the budgets in turn, until an answer is right.

    `budgets` are rollouts in all, not more of them, and stand in place of `config.rollouts`: the
    tree is the one that a search with the budget it stopped at would have grown.
    """
    with searching(
        problem, policy, sandbox, scorer, reward, config=config, seed=seed, rules=rules
    ) as searcher:
        for rollouts in sorted(budgets):
            await grow(searcher, config, reward, rollouts=rollouts)
            if solved(searcher.trace):
                break
        return searcher.trace


def solved(trace: Trace) -> bool:
    """Whether a trajectory of a rewarded search was right."""
    return any(trace.nodes[index].mean > 0 for index in trace.finished)
