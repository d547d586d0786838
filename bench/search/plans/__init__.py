"""CPL's searches: a tree over the steps of a plan, the same over a solution's, the policy alone."""

from bench.search.plans.mcts import CPL, PUCT, CPLSolution, plan_mcts, solution_mcts
from bench.search.plans.sampling import PlanGreedy, PlanSampling, plan_greedy, plan_sample
from bench.search.plans.steps import PlanSteps

__all__ = [
    "CPL",
    "PUCT",
    "CPLSolution",
    "PlanGreedy",
    "PlanSampling",
    "PlanSteps",
    "plan_greedy",
    "plan_mcts",
    "plan_sample",
    "solution_mcts",
]
