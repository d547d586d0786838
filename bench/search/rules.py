"""Two sets of rules for a search: as the paper prints them, and as the official code plays them.

The search functions are written once; where the paper and its code differ, a field here says so.
`official` grows the trees that the released code grows, node by node (`rstar-bench replay`), its
oddities included; `paper` is what the text says, with our choices where it is silent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything in which the two rule sets differ."""

    name: str

    unvisited: float
    """UCT of a child that was never visited. Paper: infinite, so every child is tried once.
    Official: 0, so without a PPM the first child is followed until its UCT falls below 0."""

    errors_threshold: int | None
    """Steps in a row with an error after which the last one is a dead end. Official: 1 with a
    trained policy, 2 in the bootstrap round; below it, an erroneous step is searched on like any
    other. Paper (None): a step whose code does not run is discarded."""

    whole_programs: bool
    """How a step is read and run. Paper (False): the tag at its end says what it is, and its code
    runs on the interpreter state of its parent. Official (True): `boxed` anywhere makes it an
    answer, anything else is code, run from the start with all steps since the last output, and
    `error` anywhere in what is observed is an error (`bench.search.official.steps`)."""

    first_answer_only: bool
    """Whether the first candidate that ends with an answer is the only one kept of its expansion
    (official)."""

    tag_is_text: bool
    """Whether two candidates with one text and two end tags differ (paper), or are duplicates, of
    which the first is kept (official)."""

    answers_when_made: bool
    """When a finished trajectory counts. Official (True): as soon as its expansion made it; it is
    never selected. Paper (False): when a rollout has walked to it, and then never again."""

    dead_ends_back_up: bool
    """Whose -1 an end without an answer is. Paper (True): that of the whole path, what a wrong
    answer costs it, or the search would go on digging where nothing can be finished. Official
    (False): the dead node's own."""

    closes_ancestors: bool
    """Whether a node is closed as soon as nothing is left below it (paper), or only once a rollout
    has come to it and found all its children closed (official); that rollout is spent."""

    root_is_free: bool
    """Official (True): choosing the root's child takes no step of a rollout, once the root has
    children, so every rollout but the first may go one step deeper than the depth limit."""


PAPER = Rules(
    name="paper",
    unvisited=math.inf,
    errors_threshold=None,
    whole_programs=False,
    first_answer_only=False,
    tag_is_text=True,
    answers_when_made=False,
    dead_ends_back_up=True,
    closes_ancestors=True,
    root_is_free=False,
)

OFFICIAL = Rules(
    name="official",
    unvisited=0.0,
    errors_threshold=1,
    whole_programs=True,
    first_answer_only=True,
    tag_is_text=False,
    answers_when_made=True,
    dead_ends_back_up=False,
    closes_ancestors=False,
    root_is_free=True,
)

RULES: Mapping[str, Rules] = {rules.name: rules for rules in (PAPER, OFFICIAL)}


def rules_named(name: str) -> Rules:
    """Return a rule set by name. Raises UnknownNameError."""
    if name not in RULES:
        raise UnknownNameError("rule set", name, RULES)
    return RULES[name]
