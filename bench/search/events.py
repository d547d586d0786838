"""The budget clock: everything that happens in a search, in order, with what it cost.

A trace changes through events only (`Trace.record`), so that any prefix of the clock can be played
again, and is what a search with that smaller budget would have left (`bench.search.clock`). Events
hold no seconds, which differ from run to run; those of each execution are kept beside the clock.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class EventKind(StrEnum):
    """What happened to a node."""

    GENERATED = "generated"
    """The policy wrote this candidate; a request's prompt is booked on its first candidate."""
    EXECUTED = "executed"
    """The candidate's code was run."""
    EXPANDED = "expanded"
    """The node has been given its candidates."""
    SCORED = "scored"
    """The PPM gave the node its `value`; what a call read is booked on its first node."""
    VISITED = "visited"
    """`value` was added to the node alone: a score that counts as a visit, or a dead end's -1."""
    REACHED = "reached"
    """A walk ended here, and `value` was added to every node on its path."""
    CLOSED = "closed"
    """Nothing is left to visit at or below the node."""
    ROLLOUT = "rollout"
    """A rollout, sample or beam ended at this node. Budgets are counted in these."""


class Event(NamedTuple):
    """One event; stored as a row of seven, in the order of its fields."""

    kind: EventKind
    node: int
    value: float = 0.0
    policy_prompt: int = 0
    policy_cached: int = 0
    """Those of the prompt's tokens that the engine had computed before."""
    policy_generated: int = 0
    ppm: int = 0
