"""The tactics of rewriting of LIPS (arXiv 2502.13834), each with its proposals and its check.

A tactic gives an inequality `larger >= smaller` new sides. Most tactics may also ask a policy for
them. Nothing is believed: what is proposed goes into a certificate as the step `replace`, with a
proof that the old difference is at least the new one.

    identity     rewrite, simplify, mul_expand, exp_expand, factor, fraction_...
    by equality  rewrite_with_assumption, simplify_with_assumption, homogenise
    multiple     cancel_...: the certificate keeps as a factor what is cancelled
    bound        tangent_line, equal_value, pqr_method: something is lost, which is proved
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bench.errors import UnknownNameError
from bench.inequalities.budget import Budget
from bench.inequalities.lips import assuming, cancelling, identities
from bench.inequalities.lips.equality import (
    Equality,
    compare,
    prove_replacement,
    replace_in_goal,
)
from bench.inequalities.lips.forms import Forms
from bench.inequalities.lips.proposals import Reason, Refusal
from bench.inequalities.lips.ranking import count_operators
from bench.inequalities.lips.sides import (
    ZERO,
    Rewriting,
    balance,
    list_signed_terms,
    put_in_order,
    take_difference,
)
from bench.inequalities.lips.sufficient import equal_value, pqr_method
from bench.inequalities.lips.tangents import tangent_line
from bench.inequalities.proving.goals import Goal, has_variable_exponent
from bench.inequalities.statements import Expression, divide, format_expression

__all__ = [
    "TACTICS",
    "Check",
    "Rewriting",
    "Tactic",
    "accept_answer",
    "apply_rewriting",
    "propose",
]

MOST_OPERATORS = 150
"""Of a proposal; a longer one is of no use to anybody."""


class Check(StrEnum):
    """What the new sides of a tactic must be."""

    IDENTITY = "the difference of the sides is the same"
    ASSUMED = "the difference is the same where the equalities hold"
    MULTIPLE = "the old difference is the new one times something positive"
    PROOF = "the old difference is at least the new one"


@dataclass(frozen=True, slots=True)
class Tactic:
    """A kind of rewriting."""

    propose: Callable[[Forms, Expression, Expression], Iterator[Rewriting]]
    """What is proposed without a policy."""
    check: Check
    request: str = ""
    """What a policy is asked to do; nothing where it is not asked."""


TACTICS: Mapping[str, Tactic] = {
    "rewrite": Tactic(
        identities.rewrite,
        Check.IDENTITY,
        "Regroup its terms so that an inequality that you know can be applied to a part of it.",
    ),
    "rewrite_with_assumption": Tactic(
        assuming.rewrite_with_assumption,
        Check.ASSUMED,
        "Use the given equality to replace a part of it by something that is equal.",
    ),
    "simplify": Tactic(
        identities.simplify, Check.IDENTITY, "Make it as short as you can, without assumptions."
    ),
    "simplify_with_assumption": Tactic(
        assuming.simplify_with_assumption,
        Check.ASSUMED,
        "Make it as short as you can; the given equality may be used.",
    ),
    "mul_expand": Tactic(
        identities.mul_expand, Check.IDENTITY, "Multiply out all products of sums."
    ),
    "exp_expand": Tactic(
        identities.exp_expand, Check.IDENTITY, "Multiply out all powers of sums and of products."
    ),
    "factor": Tactic(
        identities.factor, Check.IDENTITY, "Write it, or parts of it, as products of factors."
    ),
    "fraction_reduce": Tactic(
        identities.fraction_reduce,
        Check.IDENTITY,
        "Divide numerators and denominators of its fractions by what they have in common.",
    ),
    "fraction_apart": Tactic(
        identities.fraction_apart,
        Check.IDENTITY,
        "Split its fractions into sums of simpler fractions.",
    ),
    "fraction_together": Tactic(
        identities.fraction_together,
        Check.IDENTITY,
        "Bring its fractions to a common denominator.",
    ),
    "cancel_denominators": Tactic(
        cancelling.cancel_denominators,
        Check.MULTIPLE,
        "Multiply it by its denominators, which are positive, so that no fraction is left. This "
        "step alone may change the value, by that factor.",
    ),
    "cancel_numerators": Tactic(
        cancelling.cancel_numerators,
        Check.MULTIPLE,
        "Divide it by a positive factor that its numerators have in common. This step alone may "
        "change the value, by that factor.",
    ),
    "cancel_factor": Tactic(
        cancelling.cancel_factor,
        Check.MULTIPLE,
        "Divide it by a positive factor of the whole. This step alone may change the value, by "
        "that factor.",
    ),
    "cancel_power": Tactic(cancelling.cancel_power, Check.MULTIPLE),
    "tangent_line": Tactic(tangent_line, Check.PROOF),
    "equal_value": Tactic(equal_value, Check.PROOF),
    "pqr_method": Tactic(pqr_method, Check.PROOF),
    "homogenise": Tactic(assuming.homogenise, Check.ASSUMED),
}
"""By name: the 17 of LIPS, and the step with which it begins."""


def propose(
    name: str, forms: Forms, larger: Expression, smaller: Expression
) -> Iterator[Rewriting]:
    """Yield what a tactic proposes without a policy, each once, and nothing that is there already.

    Nothing is proposed where an exponent has variables: nothing could be proved. Raises
    UnknownNameError.
    """
    tactic = _find(name)
    if has_variable_exponent(larger) or has_variable_exponent(smaller):
        return
    seen = {(put_in_order(larger), put_in_order(smaller))}
    for found in tactic.propose(forms, larger, smaller):
        sides = (put_in_order(found.larger), put_in_order(found.smaller))
        if sides not in seen and sum(map(count_operators, sides)) <= MOST_OPERATORS:
            seen.add(sides)
            yield found


def _find(name: str) -> Tactic:
    if name not in TACTICS:
        raise UnknownNameError("tactic", name, TACTICS)
    return TACTICS[name]


def accept_answer(
    name: str, forms: Forms, larger: Expression, smaller: Expression, answer: Expression
) -> Rewriting | Refusal:
    """Return the rewriting that a policy's expression for the difference is, if it is one.

    Raises UnknownNameError.
    """
    tactic, old = _find(name), take_difference(larger, smaller)
    sides = balance(list_signed_terms(answer))
    if sides == (larger, smaller) or answer == old:
        return Refusal(Reason.UNCHANGED, "the answer is the inequality itself; change something")
    equality = compare(forms.goal, old, answer)
    assumed = equality is Equality.ASSUMED and tactic.check is not Check.IDENTITY
    if equality is Equality.ALWAYS or assumed:
        return Rewriting(name, *sides)
    if tactic.check is Check.MULTIPLE:
        quotient = cancelling.read_product(forms, divide(old, answer))
        if quotient is not None:
            return Rewriting(name, *sides, multiplier=forms.write_powers(*quotient))
    shown = format_expression(answer)
    return Refusal(
        Reason.WRONG,
        f"for the answer '{shown}' it was not found that {tactic.check}; check the last steps",
    )


def apply_rewriting(goal: Goal, rewriting: Rewriting, budget: Budget) -> Goal | None:
    """Return the goal after the step `replace` that a rewriting is; None where it is not proved.

    The rewriting is one of the goal's whole difference: where the goal carries multipliers of
    earlier rewritings, that is `rewriting.within(multiplier)`.
    """
    by = rewriting.expression
    proof = prove_replacement(goal, by, ZERO, budget, rewriting.parts)
    return None if proof is None else replace_in_goal(goal, by, proof)
