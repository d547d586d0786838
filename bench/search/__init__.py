"""Searches turn a problem into a trace; selection picks an answer from one."""

from bench.search.mcts import MCTS, Reward, mcts
from bench.search.sampling import Sampling, greedy, sample
from bench.search.selection import AGGREGATES, Finished, best, finished, first, majority
from bench.search.tree import ROOT, Node, NodeKind, Trace, Usage

__all__ = [
    "AGGREGATES",
    "MCTS",
    "ROOT",
    "Finished",
    "Node",
    "NodeKind",
    "Reward",
    "Sampling",
    "Trace",
    "Usage",
    "best",
    "finished",
    "first",
    "greedy",
    "majority",
    "mcts",
    "sample",
]
