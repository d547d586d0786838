"""What `compare` runs: every method once, to the largest budget."""

from __future__ import annotations

import pytest

from bench.cli.options import positive_integers_or_none
from bench.errors import BenchError
from bench.evaluation.comparison import plan_runs
from bench.evaluation.spec import RunSpec
from bench.search import (
    ABMCTS,
    CPL,
    MCTS,
    Branching,
    Consistency,
    PlanSampling,
    Rebase,
    Sampling,
)


def test_a_comparison_runs_each_method_once_to_the_largest_budget() -> None:
    base = RunSpec("embedded-grade-school", "smollm2-r1", "greedy", ppm="smollm2-r1")
    runs = plan_runs(base, {"candidates": 3, "n": 2}, tokens=2048, beam_widths=(1, 4))
    assert list(runs) == ["greedy", "sample-2048", "beam-1x3", "beam-4x3", "mcts-2048"]
    assert runs["greedy"].ppm is None
    assert runs["sample-2048"].config == Sampling(n=2, tokens=2048)
    assert runs["mcts-2048"].config == MCTS(candidates=3, tokens=2048, rollouts=4096)


def test_a_comparison_leaves_beams_out_where_none_are_asked_for() -> None:
    base = RunSpec("embedded-grade-school", "smollm2-r1", "greedy", ppm="smollm2-r1")
    runs = plan_runs(base, {}, tokens=512, beam_widths=positive_integers_or_none("none"))
    assert list(runs) == ["greedy", "sample-512", "mcts-512"]


def test_other_searches_join_a_comparison_each_with_the_budget_that_it_takes() -> None:
    base = RunSpec("embedded-grade-school", "smollm2-r1", "greedy", ppm="smollm2-r1")
    also = ("abmcts", "rebase", "branch", "consistency")
    runs = plan_runs(base, {"n": 4}, tokens=512, beam_widths=(), also=also, widths=(4, 8))
    assert list(runs)[3:] == ["abmcts-512", "rebase-4", "rebase-8", "branch-512", "consistency"]
    assert runs["abmcts-512"].config == ABMCTS(tokens=512, rollouts=4096)
    assert runs["rebase-8"].config == Rebase(width=8)
    assert runs["branch-512"].config == Branching(tokens=512, n=4096)
    assert runs["consistency"].config == Consistency(n=4)
    assert [runs[name].ppm for name in ("rebase-4", "branch-512")] == ["smollm2-r1", None]


@pytest.mark.parametrize(("search", "what"), [("cpl", "plans"), ("closers", "proofs")])
def test_a_search_of_another_format_joins_no_comparison(search: str, what: str) -> None:
    base = RunSpec("embedded-grade-school", "smollm2-r1", "greedy")
    with pytest.raises(BenchError, match=f"--also {search}: it searches {what}, and .* of steps"):
        plan_runs(base, {}, tokens=512, beam_widths=(), also=(search,))


def test_a_policy_that_plans_is_compared_in_searches_that_read_plans() -> None:
    base = RunSpec("embedded-grade-school", "cpl", "greedy", ppm="cpl")
    knobs = {"candidates": 3, "n": 2, "solutions": "text"}
    runs = plan_runs(base, knobs, tokens=2048, beam_widths=(1,), format="plans")
    assert list(runs) == ["plan_greedy", "plan_sample-2048", "cpl-2048"]
    assert runs["plan_greedy"].ppm is None
    assert runs["plan_sample-2048"].config == PlanSampling(n=2, tokens=2048, solutions="text")
    assert runs["cpl-2048"].config == CPL(tokens=2048, iterations=4096, solutions="text")
