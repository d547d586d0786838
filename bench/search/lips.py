"""LIPS (arXiv 2502.13834) as searches that decide statements, and its ablations.

The ablations differ in nothing but their strategy, so that their runs can be compared in pairs.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from bench.engines.base import Completion, Policy, derive_seed
from bench.inequalities.lips import ALL, KEPT, LOOPS
from bench.knobs import Count
from bench.sandbox import Sandbox
from bench.search.inequalities import Deciding, decide_text, make_trace
from bench.search.tree import Trace
from bench.types import Problem

if TYPE_CHECKING:  # imported where it works, as in `bench.search.inequalities`
    from bench.inequalities.budget import Budget
    from bench.inequalities.deciding import Decision
    from bench.inequalities.lips.advising import Adviser
    from bench.inequalities.statements import Statement

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lips(Deciding):
    """The knobs of LIPS and of its ablations."""

    loops: Count = LOOPS
    """Inequalities that the search takes up at most, of each claim (LIPS: 200)."""
    kept: Count = KEPT
    """Children of an inequality that are kept, the cheapest ones (LIPS: 10)."""
    ranker: str = ALL
    """Weights that `lips_learnt` goes by: all, or `without BENCHMARK`, fitted to the others."""


ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "lips": {},
    "lips_quick": {"closers": "quick"},
    "lips_sight": {"closers": "sight"},
    "lips_scaling": {"closers": "sight", "rewriting": False},
    "lips_no_filter": {"closers": "sight", "filtered": False},
    "lips_no_equality": {"closers": "sight", "equality": False},
    "lips_no_homogeneity": {"closers": "sight", "homogeneity": False},
    "lips_no_decoupling": {"closers": "sight", "decoupling": False},
    "lips_no_symmetry": {"closers": "sight", "symmetry": False},
    "lips_random_order": {"closers": "sight", "order": "random"},
    "lips_learnt": {"closers": "sight", "order": "learnt"},
}
"""How the strategy of each search differs. `lips` lets the prover take its time on the claim and on
the best states, `lips_quick` for a moment on every state. `lips_sight` has no prover but for its
steps: what it proves is the search's, so it is what the others are ablations of."""


def decide_by_lips(
    statement: Statement, config: Lips, seed: int, *, name: str, adviser: Adviser | None = None
) -> Decision:
    """Look for a counterexample, then search for a proof with the strategy of that name."""
    from bench.inequalities.deciding import decide_statement
    from bench.inequalities.lips.search import Search, list_explored, prove_by_search
    from bench.inequalities.lips.states import Strategy

    changes = ABLATIONS[name]
    strategy = Strategy(loops=config.loops, kept=config.kept, ranker=config.ranker, **changes)
    searches: list[Search] = []

    def find_proof(statement: Statement, budget: Budget) -> Mapping[str, Any] | None:
        certificate, found = prove_by_search(statement, budget, strategy, seed, adviser)
        searches.extend(found)
        return certificate

    decision = decide_statement(
        statement, config.cpu_seconds, find_proof, z3_seconds=config.z3_seconds
    )
    return dataclasses.replace(decision, explored=list_explored(searches))


async def lips_policy(
    problem: Problem, policy: Policy, sandbox: Sandbox, *, config: Lips, seed: int
) -> Trace:
    """Search as `lips_quick` does, and ask the policy for rewritings, bounds and the next state.

    The prover's processor time does not count the policy's. Raises EngineError.
    """
    from bench.inequalities.lips.advising import Adviser

    loop = asyncio.get_running_loop()
    asked: list[Completion] = []

    def ask(prompt: str) -> str:
        question = dataclasses.replace(problem, question=prompt)
        answering = policy.propose(
            question, "", n=1, seed=derive_seed(seed, problem.id, len(asked)), stop=(), greedy=True
        )
        (answer,) = asyncio.run_coroutine_threadsafe(answering, loop).result()
        asked.append(answer)
        return answer.text

    adviser = Adviser(ask)
    decide = partial(decide_by_lips, name="lips_quick", adviser=adviser)
    found = await asyncio.to_thread(decide_text, decide, problem.question, (), config, seed)
    log.info("%s: %s", problem.id, dict(adviser.answers))
    return make_trace(problem, "lips_policy", seed, found, asked)
