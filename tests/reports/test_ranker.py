"""What a stored search of states says: how many were taken up, and which choices led to a proof."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import DataError
from bench.reports.ranker import compare_orders, count_loops, read_choices
from bench.runs.reader import Run, StoredTree
from bench.search.events import EventKind
from bench.search.tree import ROOT, NodeKind, Trace, new_trace
from bench.types import Problem

QUESTION = "a^2/b + b^2/a >= a + b with a, b > 0"
PROBLEM = Problem("p", QUESTION, "", "toy")


def search() -> Trace:
    """Return a trace: the claim, three children of which one was taken up and closed."""
    trace = new_trace("p", "lips_sight", 0, "statement\n", rules="")
    claim = trace.add(
        trace.nodes[ROOT],
        0,
        f"the claim (cost 20): {QUESTION[:19]}\n".replace(QUESTION[:19], "a^2/b + b^2/a >= a + b"),
        NodeKind.STEP,
        0,
    )
    trace.record(EventKind.EXPANDED, claim)
    trace.add(claim, 0, "factor (cost 9): (a - b)^2 >= 0\n", NodeKind.UNPROVED, 0)
    right = trace.add(claim, 1, "cancel (cost 12): a^3 + b^3 >= a*b*(a + b)\n", NodeKind.STEP, 0)
    trace.add(claim, 2, "linear (cost 3): x >= y\n", NodeKind.STEP, 0)
    step = trace.add(right, 0, "clear\n", NodeKind.STEP, 0)
    trace.add(step, 0, "proved\n", NodeKind.ANSWER, 0)
    return trace


class Stored(Run):
    """A run whose trees are given."""

    def trees(self) -> Iterator[StoredTree]:
        yield StoredTree("p", 0, TREE)


TREE = search().to_json()
CONFIG = {"config": {"search": {"name": "lips_sight"}, "benchmark": {"name": "toy"}, "seed": 0}}


def test_the_oracle_takes_up_what_is_on_the_way() -> None:
    loops = count_loops(Stored(Path(), CONFIG, (), {}))
    assert (loops.search, loops.benchmark, loops.proved) == ("lips_sight", "toy", 1)
    assert (loops.taken_up, loops.oracle) == (2.0, 2.0)


def test_a_problem_that_failed_has_no_tree_and_counts_for_nothing() -> None:
    class Failed(Stored):
        def trees(self) -> Iterator[StoredTree]:
            yield StoredTree("q", 0, {})
            yield from super().trees()

    run = Failed(Path(), CONFIG, (), {})
    assert count_loops(run).proved == 1
    assert list(read_choices(run, {"q": PROBLEM})) == []


def test_orders_are_compared_on_what_all_of_them_proved() -> None:
    detour = search()
    detour.record(EventKind.EXPANDED, detour.nodes[2])

    class Other(Run):
        def trees(self) -> Iterator[StoredTree]:
            yield StoredTree("p", 0, detour.to_json())
            yield StoredTree("q", 0, TREE)

    config = {**CONFIG["config"], "search": {"name": "lips_random_order"}, "seed": 3}
    found = compare_orders(
        [Stored(Path(), CONFIG, (), {}), Other(Path(), {"config": config}, (), {})]
    )
    assert [(each.search, each.seed, each.proved) for each in found] == [
        ("lips_sight", 0, 1),
        ("lips_random_order", 3, 2),
    ]
    assert [(each.shared, each.taken_up, each.oracle) for each in found] == [(1, 2, 2), (1, 3, 2)]


def test_a_choice_has_what_waited_beside_it_in_the_same_variables() -> None:
    (choice,) = read_choices(Stored(Path(), CONFIG, (), {}), {"p": PROBLEM})
    assert choice.benchmark == "toy"
    assert (choice.right["denominators"], choice.right["steps"]) == (0, 1)
    assert len(choice.others) == 1, "the claim came before, and the state in x and y is left out"
    assert choice.others[0]["scaled"] == 0, "`factor` is a tactic"


def test_what_is_in_ratios_is_left_out() -> None:
    trace = search()
    trace.nodes[2].text = "ratio (cost 0): a^2/b >= b\n"
    below = trace.add(trace.nodes[2], 0, "factor (cost 1): a >= 0\n", NodeKind.STEP, 0)

    class Other(Run):
        def trees(self) -> Iterator[StoredTree]:
            yield StoredTree("p", 0, trace.to_json())

    (choice,) = read_choices(Other(Path(), CONFIG, (), {}), {"p": PROBLEM})
    assert below.parent == 2 and choice.others == ()


def test_a_run_without_a_proof_of_a_search_says_so() -> None:
    class Empty(Run):
        def trees(self) -> Iterator[StoredTree]:
            yield from ()

    with pytest.raises(DataError, match="holds no proof that a search of states found"):
        count_loops(Empty(Path("run"), CONFIG, (), {}))
