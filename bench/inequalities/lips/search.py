"""The search of LIPS (arXiv 2502.13834): scale, rewrite, filter, rank, and prove what is best.

A state is an inequality that the claim follows from. Its children are what lemmas make of it
(scaling) and what tactics make of it (rewriting). The cheapest state comes next. Only then its step
is proved, with the certificate's `replace`; a state whose step finds no proof is dropped. A state
is closed by the prover, quickly while the search goes on and with all that is left at its end.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.inequalities.budget import Budget
from bench.inequalities.deciding import Explored, Fate
from bench.inequalities.lips import ALL, KEPT, LOOPS
from bench.inequalities.lips.advising import Adviser
from bench.inequalities.lips.equality import prove_replacement, replace_in_goal
from bench.inequalities.lips.filtering import Filter
from bench.inequalities.lips.forms import Forms
from bench.inequalities.lips.learnt import describe, load_weights, weigh
from bench.inequalities.lips.ranking import Cost, measure_cost
from bench.inequalities.lips.rewriting import TACTICS, propose
from bench.inequalities.lips.scaling import list_scalings
from bench.inequalities.lips.sides import (
    ONE,
    ZERO,
    Rewriting,
    list_signed_terms,
    scale,
    take_difference,
)
from bench.inequalities.proving.clearing import read_assumptions
from bench.inequalities.proving.goals import (
    NONNEGATIVE,
    POSITIVE,
    Goal,
    Step,
    begin,
    change_linearly,
    has_variable_exponent,
)
from bench.inequalities.proving.prover import FORMAT, prove_claim, prove_goal
from bench.inequalities.statements import (
    Expression,
    Relation,
    Statement,
    format_relation,
    format_text,
    to_json,
)

QUICK = 0.3
"""CPU seconds in which a state is closed while the search goes on."""
REFUTING = 0.2
"""CPU seconds in which a state is tried to be refuted before its step is proved."""
PROVING = 1.0
"""CPU seconds in which a state's own step is proved."""
AT_FIRST = 0.3
"""Share of the seconds in which the prover is tried on the claim itself, before any search."""
AT_LAST = 4
"""States on which the prover is tried with what is left."""
REWRITINGS = 5
"""Rewritings in a row at most; then a lemma has to be used."""


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
    filtered: bool = True
    """Whether a child that is false at a point known so far is dropped before it is ranked."""
    equality: bool = True
    """Whether a child has to keep the points at which the claim is an equality."""
    rewriting: bool = True
    """Whether tactics rewrite, beside the lemmas that scale."""
    closers: Literal["all", "quick"] = "all"
    """Whether the prover may also take its time, on the claim and on the best states."""


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
    def text(self) -> str:
        """The inequality in plain text."""
        return format_relation((">=", self.larger, self.smaller))


def prove_by_search(
    statement: Statement,
    seconds: float,
    strategy: Strategy,
    seed: int = 0,
    adviser: Adviser | None = None,
) -> tuple[dict[str, Any] | None, list[Search]]:
    """Return a certificate found in so many CPU seconds, or None; and the search of each claim."""
    budget, searches, proofs = Budget(seconds), list[Search](), []
    for claim in range(len(statement.claims)):
        share = 1 / (len(statement.claims) - claim)
        searches.append(Search(statement, claim, strategy, seed, adviser))
        steps = searches[-1].run(budget.part(budget.left, share))
        if steps is None:
            return None, searches
        proofs.append(steps)
    return {"format": FORMAT, "statement": to_json(statement), "proofs": proofs}, searches


@dataclass(slots=True)
class Search:
    """The search for a proof of one claim."""

    statement: Statement
    claim: int
    strategy: Strategy
    seed: int = 0
    adviser: Adviser | None = None
    """A policy that proposes and ranks, beside lemmas, tactics and the cost."""
    states: list[State] = field(default_factory=list)
    loops: int = 0
    """States taken up."""

    def run(self, budget: Budget) -> list[Step] | None:
        """Return the steps of a proof; None if none is found within the budget."""
        goal = begin(self.statement, self.statement.claims[self.claim])
        op, left, right = self.statement.claims[self.claim]
        sides = (left, right) if op in (">=", ">") else (right, left)
        self._add(State(None, "", *sides, 0.0, goal=goal))
        whole = self.strategy.closers == "all"
        # Lemmas and tactics know neither strict claims nor variables in exponents.
        alone = goal.strict or has_variable_exponent(goal.expression)
        if whole or alone:
            found = prove_claim(goal, budget.part(budget.left, 1.0 if alone else AT_FIRST))
            if found is not None or alone:
                return self._close(self.states[0], found)
        for start in self._list_starts(goal):
            found = self._search_from(start, budget.part(budget.left, 0.6))
            if found is not None:
                return found
        return self._finish(budget) if whole else None

    def _list_starts(self, goal: Goal) -> Iterator[int]:
        """Yield the claim, after a linear change of variables where the facts suggest one."""
        known = read_assumptions(goal)
        changed = change_linearly(goal, [None if f is None else f[0] for f in known.facts])
        if changed is not None:
            sides = _read_sides(changed.expression)
            yield self._add(State(0, "linear", *sides, 0.0, goal=changed))
        yield 0

    def _search_from(self, start: int, budget: Budget) -> list[Step] | None:
        first = self.states[start].goal
        assert first is not None, "a start is proved"
        checked = Filter(
            _as_statement(first, self.states[start].larger, self.states[start].smaller),
            preserve_equality=self.strategy.equality,
            use_filter=self.strategy.filtered,
        )
        state = self.states[start]
        state.cost = self._rank(state.larger, state.smaller, checked)
        draw = random.Random(f"{self.seed}:{self.claim}:{start}")
        heap = [(0.0, start)]
        seen = {(self.states[start].larger, self.states[start].smaller)}
        while heap and not budget.is_spent and self.loops < self.strategy.loops:
            index = self._take(heap)
            state = self.states[index]
            if self._refute(state, checked, budget) or not self._prove_step(state, budget):
                continue
            self.loops += 1
            state.fate = "taken up"
            assert state.goal is not None, "its step is proved"
            found = prove_goal(state.goal, budget.part(QUICK))
            if found is not None:
                return self._close(state, found)
            for child in self._list_children(index, checked, budget):
                sides = (child.larger, child.smaller)
                if sides in seen:
                    continue
                seen.add(sides)
                rank = draw.random() if self.strategy.order == "random" else child.cost
                heapq.heappush(heap, (rank, self._add(child)))
        return None

    def _take(self, heap: list[tuple[float, int]]) -> int:
        """Remove the state that comes next from those that wait; a policy chooses of the best."""
        if self.adviser is None or len(heap) == 1:
            return heapq.heappop(heap)[1]
        best = [heapq.heappop(heap) for _ in range(min(self.strategy.kept, len(heap)))]
        states = [self.states[index] for _, index in best]
        order = self.adviser.order(
            format_text(self.statement),
            [(state.larger, state.smaller) for state in states],
            [state.cost for state in states],
        )
        for i in order[1:]:
            heapq.heappush(heap, best[i])
        return best[order[0]][1]

    def _list_children(self, index: int, checked: Filter, budget: Budget) -> list[State]:
        """Return the children of a state that pass the filter, the cheapest ones only."""
        state, found = self.states[index], []
        assert state.goal is not None, "its step is proved"
        here = (state.larger, state.smaller)
        known = _list_assumptions(state.goal)
        for scaling in checked.keep(*here, list_scalings(*here, known)):
            sides = (scaling.larger, scaling.smaller)
            parts = _split_loss(here, sides, checked)
            parts = tuple(scale(state.multiplier, part) for part in parts)
            cost = self._rank(*sides, checked)
            found.append(State(index, scaling.lemma, *sides, cost, state.multiplier, parts))
        if self.strategy.rewriting and state.rewritten < REWRITINGS:
            forms = Forms(state.goal)
            for name in TACTICS:
                if budget.is_spent:
                    break
                for each in propose(name, forms, *here):
                    if each.exact or checked.allows(each.larger, each.smaller):
                        found.append(self._rewrite(index, each, checked))
            for each in self.adviser.rewrite(forms, *here) if self.adviser is not None else ():
                if checked.allows(each.larger, each.smaller):
                    found.append(self._rewrite(index, each, checked))
        if self.strategy.order == "random":
            return found
        return sorted(found, key=lambda child: child.cost)[: self.strategy.kept]

    def _rewrite(self, index: int, rewriting: Rewriting, checked: Filter) -> State:
        state = self.states[index]
        within = rewriting.within(state.multiplier)
        return State(
            index,
            rewriting.tactic,
            rewriting.larger,
            rewriting.smaller,
            self._rank(rewriting.larger, rewriting.smaller, checked),
            within.multiplier,
            within.parts,
            state.rewritten + 1,
        )

    def _refute(self, state: State, checked: Filter, budget: Budget) -> bool:
        """Whether a state is false at an exact point, which then refutes others, too."""
        if state.goal is not None or not self.strategy.filtered:
            return False  # a start is the claim itself
        if not checked.refute(state.larger, state.smaller, min(REFUTING, budget.left)):
            return False
        state.fate = "refuted"
        return True

    def _prove_step(self, state: State, budget: Budget) -> bool:
        """Give a state its goal, with the proof of its step; whether there is one."""
        if state.goal is not None:
            return True
        assert state.parent is not None, "the claim has a goal"
        before = self.states[state.parent].goal
        assert before is not None, "a parent was taken up"
        by = scale(state.multiplier, take_difference(state.larger, state.smaller))
        proof = prove_replacement(before, by, ZERO, budget.part(PROVING), state.parts)
        if proof is None:
            state.fate = "unproved"
            return False
        state.goal = replace_in_goal(before, by, proof)
        return True

    def _finish(self, budget: Budget) -> list[Step] | None:
        """Let the prover take its time on the cheapest states that were taken up."""
        best = sorted(
            (state for state in self.states[1:] if state.fate == "taken up"), key=lambda s: s.cost
        )
        tried = [*best[:AT_LAST], self.states[0]]
        for i, state in enumerate(tried):
            assert state.goal is not None, "it was taken up"
            found = prove_goal(state.goal, budget.part(budget.left, 1 / (len(tried) - i)))
            if found is not None:
                return self._close(state, found)
        return None

    def _close(self, state: State, steps: list[Step] | None) -> list[Step] | None:
        if steps is not None:
            state.fate = "closed"
        return steps

    def _rank(self, larger: Expression, smaller: Expression, checked: Filter) -> float:
        if self.strategy.order == "learnt":
            features = describe(larger, smaller, checked.measure_slack(larger, smaller))
            return weigh(features, load_weights(self.strategy.ranker))
        cost: Cost = measure_cost(larger, smaller)
        return cost.total(
            decoupling=self.strategy.decoupling, homogeneity=self.strategy.homogeneity
        )

    def _add(self, state: State) -> int:
        self.states.append(state)
        index = len(self.states) - 1
        if state.parent is not None:
            self.states[state.parent].children.append(index)
        return index


def _split_loss(
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


def _read_sides(difference: Expression) -> tuple[Expression, Expression]:
    """Return the sides of a difference that is written as `begin` writes it; of another, 0."""
    match difference:
        case ("+", larger, ("-", smaller)):
            return larger, smaller
    return difference, ZERO


def list_explored(searches: Sequence[Search]) -> list[Explored]:
    """Return the states of searches, numbered through."""
    found: list[Explored] = []
    for search in searches:
        first = len(found)
        for state in search.states:
            parent = None if state.parent is None else first + state.parent
            found.append(Explored(parent, state.tactic, state.text, state.cost, state.fate))
    return found


def _list_assumptions(goal: Goal) -> list[Relation]:
    """Return what a goal knows as relations."""
    signs = {POSITIVE: ">", NONNEGATIVE: ">="}
    return [
        *((signs[sign], v, ZERO) for v, sign in goal.signs.items() if sign in signs),
        *((">" if fact.strict else ">=", fact.expression, ZERO) for fact in goal.facts),
        *(("=", e, ZERO) for e in goal.equalities),
    ]


def _as_statement(goal: Goal, larger: Expression, smaller: Expression) -> Statement:
    claim: Relation = (">=", larger, smaller)
    return Statement(goal.variables, tuple(_list_assumptions(goal)), (claim,))
