"""Fronts, and what a search cost in FLOPs."""

from __future__ import annotations

import pytest

from bench.reports.sweeps import Expense, SweepRow, Swept, find_front
from bench.reports.sweeps_view import lay_out
from bench.search import ROOT, Node, NodeKind, Trace
from bench.search.compute import ModelSize, list_spent
from bench.search.events import EventKind


def test_a_point_is_on_the_front_where_nothing_is_as_cheap_and_as_good() -> None:
    points = [(2.0, 0.5), (1.0, 0.3), (3.0, 0.5), (2.0, 0.4), (4.0, 0.6), (1.0, 0.3)]
    assert sorted(find_front(points)) == [0, 1, 4, 5]
    assert find_front([]) == []


def test_a_token_costs_two_flops_a_parameter_and_four_for_each_token_before_it() -> None:
    model = ModelSize(parameters=10, attention=3)
    one_by_one = sum(2 * 10 + 4 * 3 * before for before in range(5, 9))
    assert model.flops(4, 5) == pytest.approx(one_by_one)
    assert model.flops(0, 5) == 0


def test_a_prompt_is_computed_once_and_the_ppm_is_counted_apart() -> None:
    policy, ppm = ModelSize(10, 3), ModelSize(7, 2)
    trace = Trace("p", "sample", 0, [Node(ROOT, None, "0", 0, "", NodeKind.ROOT)])
    for index in (0, 1):
        node = trace.add(trace.nodes[ROOT], index, "x", NodeKind.ANSWER, 5, prompt=20)
        trace.record(EventKind.SCORED, node, 0.5, ppm=25)
        trace.record(EventKind.ROLLOUT, node)
    spent = list_spent(trace, policy, ppm)
    first, last = spent[2], spent[5]
    assert first.policy_flops == pytest.approx(policy.flops(25, 0))
    assert last.policy_flops == pytest.approx(policy.flops(25, 0) + policy.flops(5, 20))
    assert (first.generated, last.generated) == (5, 10)
    assert last.ppm_flops == pytest.approx(2 * ppm.flops(25, 0))
    assert list_spent(trace, policy)[-1].ppm_flops == 0


def row(label: str, **varied: str) -> SweepRow:
    return SweepRow("pool", "policy", label, varied, (0,), 10, None, Expense(), False, ())


def test_a_row_names_the_settings_in_which_cells_of_its_search_differ() -> None:
    rows = (
        row("greedy", search="greedy"),
        row("mcts 4x4", search="mcts", c="1.0", temperature="0.7", rollouts="4"),
        row("mcts 8x4", search="mcts", c="2.0", temperature="0.7", rollouts="8"),
    )
    (grid,) = lay_out(Swept(rows, ()))
    assert grid.heads[0] == "Cell"
    assert [cells[0] for cells in grid.rows] == ["-", "c=1.0", "c=2.0"]
    assert grid.notes[-1] == "mcts: temperature 0.7."


def test_where_no_cells_of_a_search_differ_there_is_no_column_of_cells() -> None:
    rows = (row("greedy", search="greedy"), row("mcts 4x4", search="mcts", c="1.0"))
    (grid,) = lay_out(Swept(rows, ()))
    assert [cells[0] for cells in grid.rows] == ["greedy", "mcts 4x4"]
    assert grid.notes[-1] == "mcts: c 1.0."
