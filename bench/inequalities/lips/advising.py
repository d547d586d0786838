"""What a policy may add to the search: rewritings, bounds of roots, and the order of states.

Its answers are guesses like those of the tactics, filtered and proved as these are. A policy is
asked once for each kind of rewriting and each root; what its answers were good for is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from bench.inequalities.lips.forms import Forms
from bench.inequalities.lips.proposals import (
    Refusal,
    ask_bound,
    ask_ranking,
    ask_rewriting,
    read_bound,
    read_ranking,
    read_rewriting,
)
from bench.inequalities.lips.rewriting import TACTICS, Rewriting, accept_answer
from bench.inequalities.proving.goals import walk
from bench.inequalities.statements import Expression, add, divide, multiply, raise_to

Ask = Callable[[str], str]
"""Returns a policy's answer to a prompt."""

Root = tuple[str, Expression, Fraction]
"""A power whose exponent is no whole number."""
BOUND = "bound_root"
"""The tactic that a bound of a root is called."""
ACCEPTED = "accepted"


@dataclass(slots=True)
class Adviser:
    """A policy that is asked while a proof is searched for."""

    ask: Ask
    answers: Counter[str] = field(default_factory=Counter)
    """How many answers were accepted, or refused for which reason."""

    def rewrite(self, forms: Forms, larger: Expression, smaller: Expression) -> Iterator[Rewriting]:
        """Yield the rewritings and bounds of `larger >= smaller` that can be read."""
        for name, tactic in TACTICS.items():
            if tactic.request:
                text = self.ask(ask_rewriting(forms.goal, larger, smaller, tactic.request))
                answer = read_rewriting(text, forms.goal.variables)
                if not isinstance(answer, Refusal):
                    found = accept_answer(name, forms, larger, smaller, answer)
                    self._count(found)
                    if not isinstance(found, Refusal):
                        yield found
                else:
                    self._count(answer)
        for root in _list_roots(larger, smaller):
            text = self.ask(ask_bound(forms.goal, root[1], root[2].denominator))
            value = read_bound(text, forms.goal.variables)
            self._count(value)
            if not isinstance(value, Refusal):
                for bound in _list_bounds(root, value):
                    new = put(larger, root, bound), put(smaller, root, bound)
                    yield Rewriting(BOUND, *new, exact=False)

    def order(
        self, statement: str, goals: Sequence[tuple[Expression, Expression]], costs: Sequence[float]
    ) -> tuple[int, ...]:
        """Return the places of goals, the most promising first."""
        ranking = read_ranking(self.ask(ask_ranking(statement, goals)), costs)
        self.answers["ranked" if ranking.listed else "not ranked"] += 1
        return ranking.order

    def _count(self, answer: object) -> None:
        self.answers[answer.reason if isinstance(answer, Refusal) else ACCEPTED] += 1


def _list_roots(*sides: Expression) -> list[Root]:
    """Return the different square roots and other roots in two sides, in their order."""
    found: dict[Expression, Root] = {}
    for side in sides:
        for e in walk(side):
            match e:
                case ("^", base, Fraction() as power) if power.denominator > 1:
                    found[e] = ("^", base, power)
    return list(found.values())


def _list_bounds(root: Root, value: Expression) -> list[Expression]:
    """Return the weighted AM-GM bounds of `u^(p/q)` about `v`, from above and from below.

    `u^(p/q) <= (p u + (q - p) v^q) / (q v^(q - p))`, and the same for the inverse.
    """
    _, u, power = root
    p, q = power.numerator, power.denominator
    if not 0 < p < q:
        return []
    mean = add(multiply(Fraction(p), u), multiply(Fraction(q - p), raise_to(value, Fraction(q))))
    above = divide(mean, multiply(Fraction(q), raise_to(value, Fraction(q - p))))
    under = add(multiply(Fraction(q - p), u), multiply(Fraction(p), raise_to(value, Fraction(q))))
    below = divide(multiply(Fraction(q), u, raise_to(value, Fraction(p))), under)
    return [above, below]


def put(e: Expression, old: Expression, new: Expression) -> Expression:
    """Return an expression with another in the place of each part that is `old`."""
    if e == old:
        return new
    if not isinstance(e, tuple):
        return e
    head, *parts = e
    return (head, *(put(part, old, new) for part in parts))
