"""The search of LIPS on worked goals; what it proves is decided by the checker."""

from __future__ import annotations

import dataclasses
import json

import pytest

from bench.inequalities.budget import Budget
from bench.inequalities.checker import check_proof
from bench.inequalities.lips.search import ASYMMETRIC, Search, list_explored, prove_by_search
from bench.inequalities.lips.states import Strategy
from bench.inequalities.texts.reading import read_statement

NESBITT = "a/(b + c) + b/(c + a) + c/(a + b) >= 3/2 with a, b, c > 0"
OPEN = "a^2/b + b^2/c + c^2/a >= a + b + c with a, b, c > 0"


@pytest.fixture
def blind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be closed but the sum that is seen to be so: the search has to get there."""
    from bench.inequalities.lips import search
    from bench.inequalities.proving import prover

    def prove_goal(goal, budget):  # type: ignore[no-untyped-def]
        shown = str(goal.expression)
        return None if "/" in shown else prover.prove_goal(goal, budget)

    monkeypatch.setattr(search, "prove_goal", prove_goal)


def test_the_claim_itself_is_closed_first_and_its_state_says_so() -> None:
    certificate, (search,) = prove_by_search(read_statement(NESBITT), Budget(10), Strategy())
    assert certificate is not None
    check_proof(json.loads(json.dumps(certificate)))
    assert [state.fate for state in search.states] == ["closed"]


@pytest.mark.usefixtures("blind")
def test_a_proof_through_lemmas_and_tactics_is_one_that_the_checker_accepts() -> None:
    strategy = Strategy(closers="quick", loops=30)
    certificate, (search,) = prove_by_search(read_statement(OPEN), Budget(30), strategy)
    assert certificate is not None
    check_proof(json.loads(json.dumps(certificate)))
    steps = [step["step"] for step in certificate["proofs"][0]]
    assert "replace" in steps
    closed = [state for state in search.states if state.fate == "closed"]
    assert len(closed) == 1
    assert closed[0].tactic


@pytest.mark.usefixtures("blind")
def test_the_search_stops_at_its_number_of_states() -> None:
    strategy = Strategy(closers="quick", loops=1)
    certificate, (search,) = prove_by_search(read_statement(OPEN), Budget(30), strategy)
    assert (certificate, search.loops) == (None, 1)
    assert len(search.states) <= 1 + strategy.kept


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("order", ["cost", "random"])
def test_a_seed_gives_the_same_states_again(order: str) -> None:
    strategy = dataclasses.replace(Strategy(closers="quick", loops=2), order=order)  # type: ignore[arg-type]
    first, second = (
        list_explored(prove_by_search(read_statement(OPEN), Budget(60), strategy, seed=7)[1])
        for _ in range(2)
    )
    assert first == second


def test_states_of_several_claims_are_numbered_through() -> None:
    statement = read_statement("a + b >= 0 and a*b >= 0 with a, b > 0")
    searches = [Search(statement, claim, Strategy()) for claim in (0, 1)]
    from bench.inequalities.budget import Budget

    for search in searches:
        assert search.run(Budget(5)) is not None
    found = list_explored(searches)
    assert [state.parent for state in found] == [None, None]


def test_a_strict_claim_is_left_to_the_prover() -> None:
    statement = read_statement("a^2 + 1 > a for real a")
    certificate, (search,) = prove_by_search(statement, Budget(10), Strategy(closers="quick"))
    assert certificate is not None
    assert search.loops == 0


def test_a_search_without_the_prover_proves_what_is_not_visibly_true() -> None:
    sight = Strategy(closers="sight")
    certificate, (search,) = prove_by_search(read_statement(NESBITT), Budget(10), sight)
    assert certificate is not None
    check_proof(json.loads(json.dumps(certificate)))
    assert search.loops > 1
    fast, _ = prove_by_search(
        read_statement(NESBITT), Budget(10), dataclasses.replace(sight, loops=1)
    )
    assert fast is None


def test_a_product_of_one_is_searched_in_ratios() -> None:
    claim = "(a - 1 + 1/b)*(b - 1 + 1/c)*(c - 1 + 1/a) <= 1 with a, b, c > 0 and a*b*c = 1"
    certificate, (search,) = prove_by_search(
        read_statement(claim), Budget(20), Strategy(closers="sight")
    )
    assert certificate is not None
    check_proof(json.loads(json.dumps(certificate)))
    assert search.states[1].tactic == "ratio"
    assert search.states[0].fate == "waiting"


def test_what_loses_the_symmetry_waits_longest() -> None:
    costs = {}
    for symmetry in (True, False):
        strategy = Strategy(closers="sight", loops=2, kept=30, symmetry=symmetry)
        _, (search,) = prove_by_search(read_statement(OPEN), Budget(20), strategy)
        costs[symmetry] = {state.text: state.cost for state in search.states}
    shared = costs[True].keys() & costs[False].keys()
    assert {costs[True][text] - costs[False][text] for text in shared} == {0, ASYMMETRIC}
