"""The search of LIPS (arXiv 2502.13834): scale, rewrite, filter, rank, and prove what is best.

A state is an inequality that the claim follows from. Its children are what lemmas make of it
(scaling) and what tactics make of it (rewriting). The cheapest state comes next. Only then its step
is proved, with the certificate's `replace`; a state whose step finds no proof is dropped. A state
is closed by the prover, quickly while the search goes on and with all that is left at its end; or,
where the search is measured by itself, only by being visibly true. Children that are visibly true
come first.
"""

from __future__ import annotations

import dataclasses
import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.inequalities.budget import Budget
from bench.inequalities.deciding import Explored
from bench.inequalities.lips.advising import Adviser
from bench.inequalities.lips.equality import prove_replacement, replace_in_goal
from bench.inequalities.lips.filtering import Filter
from bench.inequalities.lips.forms import Forms
from bench.inequalities.lips.learnt import Origin, describe, load_weights, weigh
from bench.inequalities.lips.ranking import Cost, count_operators, measure_cost
from bench.inequalities.lips.rewriting import TACTICS, propose
from bench.inequalities.lips.scaling import Scaling, list_scalings
from bench.inequalities.lips.sides import ZERO, Rewriting, scale
from bench.inequalities.lips.sight import prove_by_sight
from bench.inequalities.lips.states import (
    State,
    Strategy,
    as_statement,
    list_assumptions,
    read_sides,
    split_loss,
)
from bench.inequalities.lips.surroundings import Surroundings
from bench.inequalities.proving.clearing import read_assumptions
from bench.inequalities.proving.goals import (
    Goal,
    Step,
    begin,
    change_linearly,
    find_product_of_one,
    has_variable_exponent,
    use_ratios,
)
from bench.inequalities.proving.prover import FORMAT, prove_claim, prove_goal
from bench.inequalities.statements import Statement, format_text, to_json

QUICK = 0.3
"""CPU seconds in which a state is closed while the search goes on."""
REFUTING = 0.2
"""CPU seconds in which a state is tried to be refuted before its step is proved."""
PROVING = 1.0
"""CPU seconds in which a state's own step is proved."""
AT_FIRST = 0.3
"""Share of the seconds in which the prover is tried on the claim itself, before any search."""
SEARCHING = 0.5
"""Share of what is left that a search from one start may use, where something comes after it."""
ASYMMETRIC = 1000
"""Cost of a state in which the variables go round no longer, as they do in the claim. LIPS has an
option to reject such goals; here they wait until the others are used up."""
AT_LAST = 4
"""States on which the prover is tried with what is left."""
SEEING = 0.05
"""CPU seconds in which a child is looked at, whether it is visibly true."""
SCALED = 60
"""Scalings of a state at most that are ranked."""
WEIGHED = 3
"""Multiple of the children that are kept of which a learnt order chooses, the cheapest ones; what
it does not choose is not looked at again."""
REWRITINGS = 5
"""Rewritings in a row at most; then a lemma has to be used."""

Child = tuple[State, Scaling | Rewriting]
"""A state that may wait, and the proposal that it comes from."""


def prove_by_search(
    statement: Statement,
    budget: Budget,
    strategy: Strategy,
    seed: int = 0,
    adviser: Adviser | None = None,
) -> tuple[dict[str, Any] | None, list[Search]]:
    """Return a certificate found within a budget, or None; and the search of each claim."""
    searches, proofs = list[Search](), []
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
            share = budget.part(budget.left, 1.0 if alone else AT_FIRST)
            found = None if self.strategy.closers == "sight" else prove_claim(goal, share)
            if found is not None or alone:
                return self._close(self.states[0], found)
        for start in self._list_starts(goal):
            most = 1.0 if start == 0 and not whole else SEARCHING
            found = self._search_from(start, budget.part(budget.left, most))
            if found is not None:
                return found
        return self._finish(budget) if whole else None

    def _list_starts(self, goal: Goal) -> Iterator[int]:
        """Yield the claim, after it in other variables where the assumptions suggest some.

        Those are the new variables of a triangle or an order, and ratios whose product is 1.
        """
        known = read_assumptions(goal)
        changed = change_linearly(goal, [None if f is None else f[0] for f in known.facts])
        one = find_product_of_one(goal, known.equalities)
        if changed is not None:
            yield self._add(State(0, "linear", *read_sides(changed.expression), 0.0, goal=changed))
        elif one is not None:
            ratios = use_ratios(goal, one, reverse=False)
            yield self._add(State(0, "ratio", *read_sides(ratios.expression), 0.0, goal=ratios))
        yield 0

    def _search_from(self, start: int, budget: Budget) -> list[Step] | None:
        first = self.states[start].goal
        assert first is not None, "a start is proved"
        state = self.states[start]
        statement = as_statement(first, state.larger, state.smaller)
        checked = Filter(
            statement,
            preserve_equality=self.strategy.equality,
            use_filter=self.strategy.filtered,
        )
        around = Surroundings(statement, checked)
        around.is_new(state.larger, state.smaller)
        state.cost = self._rank(state, around)
        draw = random.Random(f"{self.seed}:{self.claim}:{start}")
        heap = [(0.0, start)]
        passed_over: list[Child] = []
        while not budget.is_spent and self.loops < self.strategy.loops:
            if not heap:
                self._sort(passed_over, draw)
                self._push(heap, self._choose(passed_over, around, budget), draw, budget)
            if not heap:
                break
            index = self._take(heap)
            state = self.states[index]
            if self._refute(state, checked, budget):
                continue
            if not self._prove_step(state, checked, budget):
                continue
            self.loops += 1
            state.fate = "taken up"
            assert state.goal is not None, "its step is proved"
            prove = prove_by_sight if self.strategy.closers == "sight" else prove_goal
            found = prove(state.goal, budget.part(QUICK))
            if found is not None:
                return self._close(state, found)
            children = self._list_children(index, around, draw, budget)
            self._sort(children, draw)
            self._push(heap, self._choose(children, around, budget), draw, budget)
            passed_over += children
        return None

    def _sort(self, children: list[Child], draw: random.Random) -> None:
        if self.strategy.order == "random":
            draw.shuffle(children)
        else:
            children.sort(key=lambda each: each[0].cost)

    def _choose(self, children: list[Child], around: Surroundings, budget: Budget) -> list[State]:
        """Take the first children that are new and pass the filter out of a list."""
        chosen: list[State] = []
        most = self.strategy.kept * (WEIGHED if self.strategy.order == "learnt" else 1)
        looked_at = 0
        for child, proposal in children:
            if len(chosen) == most or budget.is_spent:
                break
            looked_at += 1
            assert child.parent is not None, "it is a child"
            parent = self.states[child.parent]
            if around.is_new(child.larger, child.smaller) and around.checked.passes(
                parent.larger, parent.smaller, proposal
            ):
                chosen.append(child)
        del children[:looked_at]
        if self.strategy.order == "learnt":
            for child in chosen:
                child.cost = self._rank(child, around)
            chosen.sort(key=lambda child: child.cost)
        return chosen[: self.strategy.kept]

    def _push(
        self,
        heap: list[tuple[float, int]],
        children: Sequence[State],
        draw: random.Random,
        budget: Budget,
    ) -> None:
        """Let children wait; one that is visibly true comes first."""
        for child in children:
            rank = draw.random() if self.strategy.order == "random" else child.cost
            if self._is_seen_to_be_true(child, budget):
                rank = -math.inf
            heapq.heappush(heap, (rank, self._add(child)))

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

    def _list_children(
        self, index: int, around: Surroundings, draw: random.Random, budget: Budget
    ) -> list[Child]:
        scaled = self._list_scaled(index, around.checked, draw)
        found = [*scaled, *self._list_rewritten(index, budget)]
        for child, _ in found:
            child.cost = self._measure(child, around)
        return found

    def _list_scaled(self, index: int, checked: Filter, draw: random.Random) -> Iterator[Child]:
        state = self.states[index]
        assert state.goal is not None, "it was taken up"
        here, known = (state.larger, state.smaller), list_assumptions(state.goal)
        found = list_scalings(
            *here,
            known,
            points=checked.list_hardest(*here),
            most=SCALED,
            draw=draw if self.strategy.order == "random" else None,
        )
        for each in found:
            sides = (each.larger, each.smaller)
            child = State(index, each.lemma, *sides, 0.0, state.multiplier)
            yield child, each

    def _list_rewritten(self, index: int, budget: Budget) -> Iterator[Child]:
        state = self.states[index]
        assert state.goal is not None, "it was taken up"
        if not self.strategy.rewriting or state.rewritten >= REWRITINGS:
            return
        forms, here = Forms(state.goal), (state.larger, state.smaller)
        for name in TACTICS:
            if budget.is_spent:
                return
            for each in propose(name, forms, *here):
                yield self._rewrite(index, each), each
        for each in self.adviser.rewrite(forms, *here) if self.adviser is not None else ():
            yield self._rewrite(index, each), each

    def _rewrite(self, index: int, rewriting: Rewriting) -> State:
        state, sides = self.states[index], (rewriting.larger, rewriting.smaller)
        within = rewriting.within(state.multiplier)
        return State(
            index,
            rewriting.tactic,
            *sides,
            0.0,
            within.multiplier,
            within.parts,
            state.rewritten + 1,
        )

    def _is_seen_to_be_true(self, child: State, budget: Budget) -> bool:
        """Whether a child would be closed at once, if its step were proved."""
        assert child.parent is not None, "it is a child"
        parent = self.states[child.parent].goal
        assert parent is not None, "it was taken up"
        goal = dataclasses.replace(parent, expression=child.difference, steps=())
        return prove_by_sight(goal, budget.part(SEEING)) is not None

    def _refute(self, state: State, checked: Filter, budget: Budget) -> bool:
        """Whether a state is false at an exact point, which then refutes others, too."""
        if state.goal is not None or not self.strategy.filtered:
            return False  # a start is the claim itself
        if not checked.refute(state.larger, state.smaller, min(REFUTING, budget.left)):
            return False
        state.fate = "refuted"
        return True

    def _prove_step(self, state: State, checked: Filter, budget: Budget) -> bool:
        """Give a state its goal, with the proof of its step; whether there is one."""
        if state.goal is not None:
            return True
        assert state.parent is not None, "the claim has a goal"
        parent = self.states[state.parent]
        assert parent.goal is not None, "a parent was taken up"
        parts = state.parts
        if not state.rewritten:
            lost = split_loss(
                (parent.larger, parent.smaller), (state.larger, state.smaller), checked
            )
            parts = tuple(scale(state.multiplier, part) for part in lost)
        by = state.difference
        proof = prove_replacement(parent.goal, by, ZERO, budget.part(PROVING), parts)
        if proof is None:
            state.fate = "unproved"
            return False
        state.goal = replace_in_goal(parent.goal, by, proof)
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

    def _rank(self, state: State, around: Surroundings) -> float:
        """Return by what a state waits for its turn; lower is earlier."""
        if self.strategy.order != "learnt":
            return self._measure(state, around)
        slack = around.checked.measure_slack(state.larger, state.smaller)
        broken = around.breaks_symmetry(state.larger, state.smaller)
        features = describe(state.larger, state.smaller, slack, self._find_origin(state, broken))
        return weigh(features, load_weights(self.strategy.ranker))

    def _find_origin(self, state: State, broken: bool) -> Origin:
        before, steps, at = state, 0, state
        if state.parent is not None:
            before = self.states[state.parent]
        while at.parent is not None:
            at, steps = self.states[at.parent], steps + 1
        operators = sum(map(count_operators, (before.larger, before.smaller)))
        return Origin(steps, operators, steps > 0 and state.tactic not in TACTICS, broken)

    def _measure(self, state: State, around: Surroundings) -> float:
        cost: Cost = measure_cost(state.larger, state.smaller)
        total = cost.total(
            decoupling=self.strategy.decoupling, homogeneity=self.strategy.homogeneity
        )
        broken = self.strategy.symmetry and around.breaks_symmetry(state.larger, state.smaller)
        return total + (ASYMMETRIC if broken else 0)

    def _add(self, state: State) -> int:
        self.states.append(state)
        index = len(self.states) - 1
        if state.parent is not None:
            self.states[state.parent].children.append(index)
        return index


def list_explored(searches: Sequence[Search]) -> list[Explored]:
    """Return the states of searches, numbered through."""
    found: list[Explored] = []
    for search in searches:
        first = len(found)
        for state in search.states:
            parent = None if state.parent is None else first + state.parent
            found.append(Explored(parent, state.tactic, state.text, state.cost, state.fate))
    return found
