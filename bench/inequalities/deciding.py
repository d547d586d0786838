"""What is known of a statement: proved, refuted, or open; nothing is proved unless checked."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.inequalities.budget import Budget
from bench.inequalities.checker import ProofError, check_proof
from bench.inequalities.counterexamples import Counterexample, find_counterexample
from bench.inequalities.packages import require_z3
from bench.inequalities.proving.prover import prove
from bench.inequalities.statements import Statement, to_json
from bench.inequalities.z3_points import NOT_ASKED, ask_z3

SEARCHED = 0.1
"""Share of the seconds in which a counterexample is looked for before any proof."""


Fate = Literal["waiting", "taken up", "refuted", "unproved", "closed"]
"""What became of a state: closed was proved, refuted is false, unproved does not imply its parent,
as far as is known."""


Verdict = Literal["proved", "refuted", "open"]


@dataclass(frozen=True, slots=True)
class Explored:
    """An inequality that a search looked at."""

    parent: int | None
    """Its place among those of the same decision; None for a claim."""
    tactic: str
    """The lemma or tactic that it comes from; empty for a claim."""
    text: str
    cost: float
    fate: Fate


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with what shows it."""

    verdict: Verdict
    seconds: float
    """CPU time, the check of the certificate among it."""
    certificate: Mapping[str, Any] | None = None
    counterexample: Counterexample | None = None
    refused: str = ""
    """What the checker said of a certificate that the prover took for a proof: a fault of ours."""
    said: str = ""
    """What z3 found out, where it was asked and there is no point; no proof."""
    explored: Sequence[Explored] = ()
    """What a search looked at, in the order in which it was made."""
    tried: Mapping[str, int] = field(default_factory=dict)
    """How often each kind of attempt was made at a proof, where none was found."""


Prove = Callable[[Statement, Budget], "Mapping[str, Any] | None"]
"""Returns a certificate found within a budget, or None."""


def decide_statement(
    statement: Statement,
    seconds: float = 60.0,
    find_proof: Prove = prove,
    z3_seconds: float = 0.0,
) -> Decision:
    """Return what is found out about a statement in so many CPU seconds.

    Of these z3 has `z3_seconds`, where no proof is found. Raises MissingExtraError: it has some,
    and is not installed.
    """
    started = time.thread_time()

    def spent() -> float:
        return time.thread_time() - started

    if z3_seconds:
        require_z3("asking z3 for a counterexample")
    found = find_counterexample(statement, Budget(max(1.0, seconds * SEARCHED)))
    if found is not None:
        return Decision("refuted", spent(), counterexample=found)
    budget = Budget(max(0.0, seconds - z3_seconds - spent()))
    certificate = find_proof(statement, budget)
    if certificate is None:
        asked = ask_z3(statement, z3_seconds) if z3_seconds else NOT_ASKED
        verdict: Verdict = "refuted" if asked.counterexample else "open"
        took = spent() + asked.seconds
        return Decision(
            verdict,
            took,
            counterexample=asked.counterexample,
            said=asked.said,
            tried=dict(budget.tried),
        )
    stored = json.loads(json.dumps(certificate))
    try:
        check_proof(stored)
    except ProofError as error:
        return Decision("open", spent(), refused=str(error))
    if stored["statement"] != to_json(statement):
        return Decision("open", spent(), refused="it is one of another statement")
    return Decision("proved", spent(), certificate=stored)
