"""A problem becomes a trace: tree, clock, steps, expansion, selection, one file a search."""

from bench.search.beam import Beam, Lookahead, lookahead, step_beam
from bench.search.clock import Afforded, Cost, afforded, costs, prefix
from bench.search.dvts import DVTS, dvts
from bench.search.events import Event, EventKind
from bench.search.mcts import MCTS, Reward, mcts
from bench.search.sampling import Greedy, Sampling, greedy, sample
from bench.search.selection import (
    AGGREGATES,
    Finished,
    Selector,
    best,
    finished,
    first,
    majority,
    top_majority,
    weighted,
)
from bench.search.settings import SearchConfig
from bench.search.tree import ROOT, Node, NodeKind, Trace, Usage

__all__ = [
    "AGGREGATES",
    "DVTS",
    "MCTS",
    "ROOT",
    "Afforded",
    "Beam",
    "Cost",
    "Event",
    "EventKind",
    "Finished",
    "Greedy",
    "Lookahead",
    "Node",
    "NodeKind",
    "Reward",
    "Sampling",
    "SearchConfig",
    "Selector",
    "Trace",
    "Usage",
    "afforded",
    "best",
    "costs",
    "dvts",
    "finished",
    "first",
    "greedy",
    "lookahead",
    "majority",
    "mcts",
    "prefix",
    "sample",
    "step_beam",
    "top_majority",
    "weighted",
]
