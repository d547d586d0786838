"""A problem becomes a trace: tree, clock, steps, expansion, selection, one file a search."""

import sys

from bench import CallableSearch
from bench.search.abmcts import ABMCTS, ab_mcts
from bench.search.beam import Beam, Lookahead, lookahead, step_beam
from bench.search.branching import Branching, branch
from bench.search.clock import (
    Afforded,
    Cost,
    Price,
    count_generated,
    cut_to_rollouts,
    find_affordable,
    list_costs,
    share_prefixes,
)
from bench.search.consistency import Consistency, sample_until_sure
from bench.search.dvts import DVTS, dvts
from bench.search.events import Event, EventKind
from bench.search.mcts import MCTS, Reward, mcts
from bench.search.particles import Particles, particle_filter
from bench.search.plans import (
    CPL,
    CPLSolution,
    PlanGreedy,
    PlanSampling,
    plan_greedy,
    plan_mcts,
    plan_sample,
    solution_mcts,
)
from bench.search.rebase import Rebase, rebase
from bench.search.sampling import Greedy, Sampling, greedy, sample
from bench.search.selection import (
    AGGREGATES,
    Finished,
    Selector,
    list_finished,
    select_best,
    select_first,
    select_likely,
    select_majority,
    select_probable,
    select_top_majority,
    select_weighted,
)
from bench.search.settings import SearchConfig
from bench.search.tree import ROOT, Node, NodeKind, Trace, Usage

__all__ = [
    "ABMCTS",
    "AGGREGATES",
    "Branching",
    "Consistency",
    "Particles",
    "Rebase",
    "ab_mcts",
    "branch",
    "particle_filter",
    "rebase",
    "sample_until_sure",
    "select_probable",
    "CPL",
    "DVTS",
    "MCTS",
    "ROOT",
    "Afforded",
    "Beam",
    "CPLSolution",
    "Cost",
    "Event",
    "EventKind",
    "Finished",
    "Greedy",
    "Lookahead",
    "Node",
    "NodeKind",
    "PlanGreedy",
    "PlanSampling",
    "Price",
    "Reward",
    "Sampling",
    "SearchConfig",
    "Selector",
    "Trace",
    "Usage",
    "count_generated",
    "share_prefixes",
    "find_affordable",
    "select_best",
    "list_costs",
    "dvts",
    "list_finished",
    "select_first",
    "select_likely",
    "greedy",
    "lookahead",
    "select_majority",
    "mcts",
    "plan_greedy",
    "plan_mcts",
    "plan_sample",
    "solution_mcts",
    "cut_to_rollouts",
    "sample",
    "step_beam",
    "select_top_majority",
    "select_weighted",
]

sys.modules[__name__].__class__ = CallableSearch
