"""The states of a search: inequalities that a claim follows from, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from bench.inequalities.deciding import Fate
from bench.inequalities.lips import ALL, KEPT, LOOPS
from bench.inequalities.lips.filtering import Filter
from bench.inequalities.lips.sides import ONE, ZERO, list_signed_terms, scale, take_difference
from bench.inequalities.proving.goals import NONNEGATIVE, POSITIVE, Goal
from bench.inequalities.statements import Expression, Relation, Statement, format_relation


@dataclass(frozen=True, slots=True)
class Strategy:
    """How the search goes; the defaults are those of LIPS's running script, but for `closers`."""

    loops: int = LOOPS
    """States that are taken up at most."""
    kept: int = KEPT
    """Children of one state that are kept, the cheapest; LIPS's rank_size."""
    order: Literal["cost", "random", "learnt"] = "cost"
    """Which state comes next."""
    ranker: str = ALL
    """The name of the weights by which a learnt order goes."""
    decoupling: bool = True
    """Whether the cost counts the variables that terms have in common."""
    homogeneity: bool = True
    """Whether the cost counts differences of degree."""
    symmetry: bool = True
    """Whether the cost counts that the variables go round no longer, as they do in the claim."""
    filtered: bool = True
    """Whether a child that is false at a point known so far is dropped before it is ranked."""
    equality: bool = True
    """Whether a child has to keep the points at which the claim is an equality."""
    rewriting: bool = True
    """Whether tactics rewrite, beside the lemmas that scale."""
    closers: Literal["all", "quick", "sight"] = "all"
    """What closes a state: the prover for a moment, and on the claim and the best states for longer
    (all); for a moment only (quick); or nothing but its being visibly true (sight)."""


@dataclass(slots=True)
class State:
    """An inequality of the search, and what became of it."""

    parent: int | None
    tactic: str
    """The lemma or tactic that it comes from; empty for the claim."""
    larger: Expression
    smaller: Expression
    cost: float
    multiplier: Expression = ONE
    """The certificate's goal is this times `larger - smaller`."""
    parts: tuple[Expression, ...] = ()
    """What is lost by the step, as terms that are not negative, where it is known."""
    rewritten: int = 0
    """Rewritings since the last lemma."""
    fate: Fate = "waiting"
    goal: Goal | None = None
    """With the steps so far, once these are proved."""
    children: list[int] = field(default_factory=list)

    @property
    def difference(self) -> Expression:
        """The certificate's goal."""
        return scale(self.multiplier, take_difference(self.larger, self.smaller))

    @property
    def text(self) -> str:
        """The inequality in plain text."""
        return format_relation((">=", self.larger, self.smaller))


def split_loss(
    before: tuple[Expression, Expression], after: tuple[Expression, Expression], checked: Filter
) -> tuple[Expression, ...]:
    """Return what a scaling loses term by term, where each term has a bound of its own.

    A lemma that is used for all images of a term at once is proved for each alone. None where the
    terms do not go in pairs.
    """
    lost: list[Expression] = []
    for side, old, new in zip((1, -1), before, after, strict=True):
        removed, added = Counter(list_signed_terms(old)), Counter(list_signed_terms(new))
        pairs = [list((removed - added).elements()), list((added - removed).elements())]
        if len(pairs[0]) != len(pairs[1]):
            return ()
        for (sign, term), (other, bound) in zip(*pairs, strict=True):
            larger, smaller = (term, bound) if sign * side > 0 else (bound, term)
            if sign != other or not checked.allows(larger, smaller):
                return ()
            lost.append(take_difference(larger, smaller))
    return tuple(lost) if len(lost) > 1 else ()


def read_sides(difference: Expression) -> tuple[Expression, Expression]:
    """Return the sides of a difference that is written as `begin` writes it; of another, 0."""
    match difference:
        case ("+", larger, ("-", smaller)):
            return larger, smaller
    return difference, ZERO


def list_assumptions(goal: Goal) -> list[Relation]:
    """Return what a goal knows as relations."""
    signs = {POSITIVE: ">", NONNEGATIVE: ">="}
    return [
        *((signs[sign], v, ZERO) for v, sign in goal.signs.items() if sign in signs),
        *((">" if fact.strict else ">=", fact.expression, ZERO) for fact in goal.facts),
        *(("=", e, ZERO) for e in goal.equalities),
    ]


def as_statement(goal: Goal, larger: Expression, smaller: Expression) -> Statement:
    """Return that `larger >= smaller` follows from what a goal assumes."""
    claim: Relation = (">=", larger, smaller)
    return Statement(goal.variables, tuple(list_assumptions(goal)), (claim,))
