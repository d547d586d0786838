"""LIPS (arXiv 2502.13834) as searches that decide statements, and its ablations.

The ablations differ in nothing but their strategy, so that their runs can be compared in pairs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.knobs import Count
from bench.search.inequalities import Deciding

if TYPE_CHECKING:  # imported where it works, as in `bench.search.inequalities`
    from bench.inequalities.deciding import Decision
    from bench.inequalities.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Lips(Deciding):
    """The knobs of LIPS and of its ablations."""

    loops: Count = 200
    """Inequalities that the search takes up at most, of each claim (LIPS: 200)."""
    kept: Count = 10
    """Children of an inequality that are kept, the cheapest ones (LIPS: 10)."""


ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "lips": {},
    "lips_scaling": {"closers": "quick", "rewriting": False},
    "lips_quick": {"closers": "quick"},
    "lips_no_filter": {"closers": "quick", "filtered": False},
    "lips_no_equality": {"closers": "quick", "equality": False},
    "lips_no_homogeneity": {"closers": "quick", "homogeneity": False},
    "lips_no_decoupling": {"closers": "quick", "decoupling": False},
    "lips_random_order": {"closers": "quick", "order": "random"},
}
"""How the strategy of each search differs. `lips` lets the prover take its time on the claim and on
the best states; all others have it for moments only, so that what they prove is the search's."""


def decide_by_lips(statement: Statement, config: Lips, seed: int, *, name: str) -> Decision:
    """Look for a counterexample, then search for a proof with the strategy of that name."""
    from bench.inequalities.deciding import decide_statement
    from bench.inequalities.lips.search import Search, Strategy, list_explored, prove_by_search

    strategy = Strategy(loops=config.loops, kept=config.kept, **ABLATIONS[name])
    searches: list[Search] = []

    def find_proof(statement: Statement, seconds: float) -> Mapping[str, Any] | None:
        certificate, found = prove_by_search(statement, seconds, strategy, seed)
        searches.extend(found)
        return certificate

    decision = decide_statement(statement, config.cpu_seconds, find_proof)
    return dataclasses.replace(decision, explored=list_explored(searches))
