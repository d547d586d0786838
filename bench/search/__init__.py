"""Searches turn a problem into a trace; selection picks an answer from one."""

from bench.search.budget import Cost, costs, curve, prefix
from bench.search.events import Event, EventKind
from bench.search.mcts import MCTS, Reward, mcts
from bench.search.rules import OFFICIAL, PAPER, RULES, Rules, rules_named
from bench.search.sampling import Sampling, greedy, sample
from bench.search.selection import AGGREGATES, Finished, best, finished, first, majority
from bench.search.tree import ROOT, Node, NodeKind, Trace, Usage

__all__ = [
    "AGGREGATES",
    "MCTS",
    "OFFICIAL",
    "PAPER",
    "ROOT",
    "RULES",
    "Cost",
    "Event",
    "EventKind",
    "Finished",
    "Node",
    "NodeKind",
    "Reward",
    "Rules",
    "Sampling",
    "Trace",
    "Usage",
    "best",
    "costs",
    "curve",
    "finished",
    "first",
    "greedy",
    "majority",
    "mcts",
    "prefix",
    "rules_named",
    "sample",
]
