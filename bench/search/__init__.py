"""Searches turn a problem into a trace; selection picks an answer from one."""

from bench.search.beam import Beam, lookahead, step_beam
from bench.search.clock import Afforded, Cost, afforded, costs, curve, prefix
from bench.search.dvts import DVTS, dvts
from bench.search.events import Event, EventKind
from bench.search.mcts import MCTS, Reward, mcts
from bench.search.official.beam import official_beam
from bench.search.rules import OFFICIAL, PAPER, RULES, Rules, rules_named
from bench.search.sampling import Sampling, greedy, sample
from bench.search.selection import (
    AGGREGATES,
    Finished,
    best,
    finished,
    first,
    majority,
    top_majority,
    weighted,
)
from bench.search.tree import ROOT, Node, NodeKind, Trace, Usage

__all__ = [
    "AGGREGATES",
    "DVTS",
    "MCTS",
    "OFFICIAL",
    "PAPER",
    "ROOT",
    "RULES",
    "Afforded",
    "Beam",
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
    "afforded",
    "best",
    "costs",
    "curve",
    "dvts",
    "finished",
    "first",
    "greedy",
    "lookahead",
    "majority",
    "mcts",
    "official_beam",
    "prefix",
    "rules_named",
    "sample",
    "step_beam",
    "top_majority",
    "weighted",
]
