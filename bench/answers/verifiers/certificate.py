"""Whether an answer proves an inequality, or refutes it; either is decided exactly.

An answer is JSON, one of two objects. A certificate (`bench/inequalities/FORMAT.md`) is right if
the checker takes it for a proof and what it proves is the problem's own statement, read anew from
the problem's text: the answer cannot bring another one. `{"refuted": {"a": "1/10", "b": "1"},
"claim": 0}` is right if every assumption holds at that point and that claim, counted from 0, does
not. So it need not be known beforehand whether a statement is true.

The checker bounds what it reads and computes; it works in a process that may be killed all the
same, because a point put into a statement can make numbers of any size.
"""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from bench.answers import workers
from bench.answers.processes import Died, Lost, Overdue, Stuck, result_of
from bench.answers.verifiers.judgement import Judgement
from bench.errors import DataError
from bench.machine import Event, count
from bench.types import Outcome

SECONDS = 180.0
"""CPU time for one answer; the checker refuses within a minute or two what exceeds its limits."""
MAX_CHARS = 50_000_000
"""Characters of an answer."""
MAX_DIGITS = 2_000
"""Characters of a coordinate."""


def verify_certificate(answer: str, *, statement: str) -> Judgement:
    """Decide whether `answer` proves or refutes a statement, given as text."""
    if not answer.strip():
        return Judgement.unreadable("there is no answer")
    if len(answer) > MAX_CHARS:
        return Judgement.unreadable(f"it has more than {MAX_CHARS:,} characters")
    # A pool can break under a question that did no harm; a machine may find time later.
    for attempt in range(2):
        try:
            found: Judgement = result_of(
                workers.submit_certificate(
                    judge_certificate, answer, statement, cpu_seconds=SECONDS
                )
            )
        except Overdue:
            return Judgement(Outcome.CHECKER_TIMEOUT, f"undecided after {SECONDS:g} s of CPU time")
        except Died as error:
            return Judgement(Outcome.UNSAFE, str(error))
        except Stuck as error:
            count(Event.VERDICT_LOST if attempt else Event.VERDICT_AGAIN)
            lost = Judgement(Outcome.CHECKER_TIMEOUT, str(error))
        except Lost as error:
            lost = Judgement(Outcome.CHECKER_TIMEOUT, str(error))
        else:
            return found
    return lost


def judge_certificate(answer: str, statement: str) -> Judgement:
    """Decide in this process. A statement that cannot be read makes every answer ungradable."""
    # Here, as the caller's process needs none of it.
    from bench.inequalities.statements import Statement, to_json
    from bench.inequalities.texts.reading import StatementError, read_statement

    try:
        read: Statement = read_statement(statement)
    except StatementError as error:
        return Judgement(Outcome.INVALID_GOLD, f"the statement is not one of ours: {error}")
    try:
        data = json.loads(answer)
    except (ValueError, RecursionError) as error:
        return Judgement.unreadable(f"it is not JSON: {error}")
    match data:
        case {"refuted": point, "claim": claim}:
            return _judge_point(read, point, claim)
        case {"proofs": _}:
            return _judge_proof(data, to_json(read))
    return Judgement.unreadable("it is neither a certificate nor a point with a claim")


def _judge_proof(certificate: dict[str, Any], statement: dict[str, Any]) -> Judgement:
    from bench.inequalities.checker import ProofError, check_proof

    try:
        proved = check_proof(certificate)
    except ProofError as error:
        return Judgement.wrong(f"it is no proof: {error}")
    # What was checked is compared, not what the certificate says elsewhere; tuples become lists.
    found = {
        "variables": proved.variables,
        "assumptions": proved.assumptions,
        "claims": proved.claims,
    }
    if json.loads(json.dumps(found)) != statement:
        return Judgement.wrong("it proves another statement")
    steps = sum(len(proof) for proof in certificate["proofs"])
    return Judgement.right(f"a proof of {steps} steps")


def _judge_point(statement: Any, point: Any, claim: Any) -> Judgement:
    from bench.inequalities.counterexamples import is_counterexample

    names = statement.variables
    if not isinstance(point, dict) or set(point) != set(names):
        return Judgement.unreadable(f"the point has not the coordinates {', '.join(names)}")
    if type(claim) is not int or not 0 <= claim < len(statement.claims):
        return Judgement.unreadable(f"there is no claim {claim!r:.20}")
    coordinates = {}
    for name, text in point.items():
        value = _read_rational(text)
        if value is None:
            return Judgement.unreadable(f"{name} is not a rational such as '-3/4'")
        coordinates[name] = value
    if not is_counterexample(statement, coordinates, claim):
        return Judgement.wrong(f"the point does not refute claim {claim}")
    return Judgement.right("a point at which the assumptions hold and the claim does not")


def _read_rational(text: Any) -> Fraction | None:
    from bench.inequalities.statements import from_json_expression

    if not isinstance(text, str) or len(text) > MAX_DIGITS:
        return None
    try:
        value = from_json_expression(text)
    except DataError:
        return None
    return value if isinstance(value, Fraction) else None
