"""What the settings of all searches have in common.

Each search's frozen settings class stands beside its function and is the only home of the search's
knobs (`bench.knobs`); a knob of several searches stands here, so that it has one default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from bench.knobs import Count, Range, Use

SAMPLES = 8
"""Independent solutions of a problem, unless told otherwise."""
Samples = Annotated[Count, Range(1, sane=10_000)]
"""Solutions, or subtrees, that grow side by side."""
Width = Annotated[Count, Range(1, sane=1_000)]
"""Candidates that one request asks for, or states that go on side by side."""
Depth = Annotated[Count, Range(1, sane=1_000)]
"""Steps one after the other."""
Iterations = Annotated[Count, Range(1, sane=1_000_000)]
"""Rollouts, or whatever else a tree grows by."""
Weight = Annotated[float, Range(0, sane=1e6)]
"""An exploration constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchConfig:
    """The knobs of a search; this one has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepwise(SearchConfig):
    """The knobs of every search that goes step by step."""

    candidates: Annotated[Width, Use.LABEL] = 4
    """Candidate steps of an expansion (paper: 5 in round 1, 8 after, 32 at test time)."""
    max_depth: Depth = 16
    """Steps of a solution at most (paper: 16)."""
