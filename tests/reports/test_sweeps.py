"""Fronts, and what a search cost in FLOPs."""

from __future__ import annotations

import pytest

from bench.reports.sweeps import find_front
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
