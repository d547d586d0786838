"""What a policy's answers become: proposals that are proved like any other, or counted refusals."""

from __future__ import annotations

import json

import pytest

from bench.inequalities.budget import Budget
from bench.inequalities.checker import check_proof
from bench.inequalities.lips.advising import ACCEPTED, BOUND, Adviser
from bench.inequalities.lips.forms import Forms
from bench.inequalities.lips.search import Search, prove_by_search
from bench.inequalities.lips.states import Strategy
from bench.inequalities.proving.goals import begin
from bench.inequalities.texts.reading import read_expression, read_statement

NESBITT = "a/(b + c) + b/(c + a) + c/(a + b) >= 3/2 with a, b, c > 0"


def advise(text: str, answer: str) -> tuple[Adviser, list[tuple[str, str]]]:
    """Return an adviser whose policy always answers the same, and what comes of it."""
    statement = read_statement(text)
    goal = begin(statement, statement.claims[0])
    _, larger, smaller = statement.claims[0]
    adviser = Adviser(lambda prompt: answer)
    found = adviser.rewrite(Forms(goal), larger, smaller)
    return adviser, [(each.tactic, str(each.larger)) for each in found]


def test_an_answer_that_is_equal_is_a_rewriting() -> None:
    adviser, found = advise("(a + b)^2 >= 4*a*b with a, b > 0", r"\boxed{(a - b)^2}")
    assert "factor" in [tactic for tactic, _ in found]
    assert adviser.answers[ACCEPTED] == len(found) > 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("It is clear.", "no box"),
        (r"\boxed{a +}", "unreadable"),
        (r"\boxed{a + t}", "unknown variable"),
        (r"\boxed{(a + b)^2}", "wrong"),
    ],
)
def test_other_answers_are_refused_and_counted(answer: str, reason: str) -> None:
    adviser, found = advise("(a + b)^2 >= 4*a*b with a, b > 0", answer)
    assert found == []
    assert set(adviser.answers) == {reason}


def test_a_value_near_a_root_bounds_it_from_both_sides() -> None:
    _, found = advise("a + b >= 2*sqrt(a*b) with a, b > 0", r"\boxed{(a + b)/2}")
    assert [tactic for tactic, _ in found].count(BOUND) == 2


def test_a_search_with_a_policy_that_ranks_is_one_that_the_checker_accepts() -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return r"\boxed{2, 1}" if "most promising" in prompt else r"\boxed{a - a}"

    statement = read_statement(NESBITT)
    strategy = Strategy(closers="quick", loops=3)
    certificate, _ = prove_by_search(statement, Budget(20), strategy, adviser=Adviser(ask))
    assert certificate is not None
    check_proof(json.loads(json.dumps(certificate)))


def test_the_next_state_is_the_one_that_the_policy_names() -> None:
    search = Search(
        read_statement(NESBITT), 0, Strategy(), adviser=Adviser(lambda prompt: r"\boxed{2}")
    )
    from bench.inequalities.lips.states import State

    for name, cost in (("a", 1.0), ("b", 2.0)):
        search.states.append(State(None, "", read_expression(name), read_expression("1"), cost))
    heap = [(1.0, 0), (2.0, 1)]
    assert search._take(heap) == 1
    assert heap == [(1.0, 0)]
