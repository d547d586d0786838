"""Decides whether a certificate is a proof of an inequality, in exact rational arithmetic.

`FORMAT.md` says what a certificate is and why each step is sound; this module is written from it
alone, with what is in `bench.inequalities.checking`. Nothing that a certificate claims is believed,
every intermediate value is computed here. It does not search, does not simplify what the format
does not, and knows no decimal number.

Any data gets an answer, within a minute or two: what exceeds the limits is refused. They are stated
in `checking.reading` (for what is read) and in `checking.exact` (for what is computed).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from reprlib import repr as show
from typing import Any

from bench.inequalities.checking.exact import MAX_WORK, ProofError, budget, charge, require
from bench.inequalities.checking.expression_goal import ExpressionGoal
from bench.inequalities.checking.polynomial_goal import FREE, NONNEGATIVE, POSITIVE
from bench.inequalities.checking.reading import Data, Expression, is_rational, subtract, survey

__all__ = ["ProofError", "Statement", "check_proof"]

FORMAT = "rstar-bench inequality 1"
MAX_VARIABLES = 16

STRICT = (">", "<")
INEQUALITIES = (">=", "<=", *STRICT)

Relation = tuple[str, Expression, Expression]


@dataclass(frozen=True, slots=True)
class Statement:
    """What was proved: where the assumptions hold every claim has a meaning and holds."""

    variables: tuple[str, ...]
    assumptions: tuple[Relation, ...]
    claims: tuple[Relation, ...]


def _lead(**stages: str) -> dict[str, str]:
    """Return the stage that each step leads to, from the steps that lead to each stage."""
    return {step: stage for stage, steps in stages.items() for step in steps.split()}


PHASE_A = "replace linear power raise_equality ratio weighted_mean log_bound"
PHASE_C = "homogenise homogenise_fact multiply divide rename bound power_variables"

# What may come next at each stage, and the stage that it leads to. At a stage that is named
# positive the proof is strict throughout: the goal is to be shown > 0, at the others >= 0.
ORDER = {
    "expression": _lead(expression=PHASE_A, polynomial="clear", closed="cases absurd"),
    "polynomial": _lead(polynomial=f"{PHASE_C} raise interior", closed="orthant squares"),
    "positive_expression": _lead(
        positive_expression=PHASE_A, positive_polynomial="clear", closed="cases absurd"
    ),
    "positive_polynomial": _lead(positive_polynomial=PHASE_C, closed="positive"),
    "closed": {},
}
ORDER["positive_claim"] = _lead(expression="gap") | ORDER["positive_expression"]


def _follow(goal: Any, steps: Data, stage: str, where: str) -> None:
    """Take every step from a goal; the last one has to close the proof."""
    for number, step in enumerate(steps.items(), 1):
        charge(1000)
        name = step.value.get("step") if isinstance(step.value, Mapping) else None
        try:
            before, stage = stage, ORDER[stage][step["step"].word(ORDER[stage])]
            taken = getattr(goal, f"take_{name}")(step)
            goal, lemmas = taken if name in ("cases", "replace") else (taken, ())
            positive = name == "cases" and before != "expression"
            for label, lemma, proof in lemmas:
                inner = "positive_expression" if positive else "expression"
                _follow(lemma, proof, inner, f"{label}, ")
        except ProofError as error:
            label = show(name).strip("'")
            raise ProofError(f"{where}step {number} ({label}): {error}") from error
    require(stage == "closed", f"{where}no step closes the proof")


def _read_relation(data: Data, variables: Collection[str]) -> Relation:
    op, left, right = data.items(3)
    sides = left.expression(variables), right.expression(variables)
    return (op.word((*INEQUALITIES, "=", "!=")), *sides)


def _set_out(
    variables: Iterable[str], assumptions: Iterable[Relation], claim: Relation
) -> ExpressionGoal:
    """Return what is known at the start, and the claim as the goal."""
    signs: dict[Any, int] = dict.fromkeys(variables, FREE)
    equalities, facts, strict = list[Expression](), list[Expression](), list[bool]()
    for relation in assumptions:
        (larger, smaller), is_strict = _order(relation), relation[0] in STRICT
        if relation[0] == "=":
            equalities.append(subtract(larger, smaller))
        elif relation[0] in INEQUALITIES:
            least = Fraction(str(smaller)) if larger in signs and is_rational(smaller) else -1
            if least >= 0:
                sign = POSITIVE if is_strict or least > 0 else NONNEGATIVE
                signs[larger] = max(signs[larger], sign)
            if least != 0:
                facts.append(subtract(larger, smaller))
                strict.append(is_strict)
    return ExpressionGoal(signs, *_order(claim), tuple(equalities), tuple(facts), tuple(strict))


def _order(relation: Relation) -> tuple[Expression, Expression]:
    """Return the larger side and the smaller one; of an equality, as they come."""
    op, left, right = relation
    return (right, left) if op in ("<=", "<") else (left, right)


def check_proof(certificate: Mapping[str, Any]) -> Statement:
    """Return what a certificate proves.

    Raises ProofError, which says what is wrong and where, if it is no proof of all its claims.
    """
    token = budget.set(MAX_WORK)
    try:
        survey(certificate)
        data = Data(certificate, "certificate")
        data["format"].word([FORMAT])
        given, variables = data["statement"], data["statement"]["variables"].names()
        fits = 0 < len(variables) <= MAX_VARIABLES
        given["variables"].expect(fits, f"1 to {MAX_VARIABLES} variables")
        assumptions, claims = (
            tuple(_read_relation(each, variables) for each in given[key].items())
            for key in ("assumptions", "claims")
        )
        given["claims"].expect(claims, "a claim")
        proofs = data["proofs"].items(len(claims))
        for number, (claim, proof) in enumerate(zip(claims, proofs, strict=True), 1):
            require(claim[0] in INEQUALITIES, f"claim {number} is no inequality")
            stage = "positive_claim" if claim[0] in STRICT else "expression"
            _follow(_set_out(variables, assumptions, claim), proof, stage, f"claim {number}, ")
        return Statement(tuple(variables), assumptions, claims)
    except RecursionError:
        raise ProofError("the certificate nests too deeply for the stack that is left") from None
    finally:
        budget.reset(token)
