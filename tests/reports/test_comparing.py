"""Runs are compared on the same problems, corrected together, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import stats
from bench.errors import BenchError, UnknownNameError
from bench.reports.comparing import check_comparable, compare_runs, parse_budget, parse_pair
from bench.reports.comparing_view import lay_out, list_flips, to_json
from bench.runs.reader import Run
from bench.types import Outcome, Verifier
from tests.made_runs import C, E, W, greedy, make_record, make_run, sampled


def named(run: Run, name: str, **config: Any) -> Run:
    header = {**run.header, "config": {**run.config, **config}, "config_digest": name}
    return replace(run, path=Path(name), header=header)


def answered(name: str, outcomes: Sequence[Outcome], **config: Any) -> Run:
    return named(greedy(outcomes), name, **config)


BASE = answered("base", [C] * 6 + [W] * 6)


def test_a_run_is_held_against_the_base_problem_by_problem() -> None:
    better = answered("better", [W] + [C] * 9 + [W] * 2)
    (found,) = compare_runs(BASE, [better]).contrasts
    assert (found.difference.only_a, found.difference.only_b) == (4, 1)
    assert found.difference.estimate == pytest.approx(3 / 12)
    assert found.difference.p == stats.mcnemar(4, 1)
    assert found.mid_p < found.difference.p
    assert [flip.problem_id for flip in found.flips if not flip.is_gain] == ["p00"]
    assert len(found.flips) == 5


def test_all_contrasts_that_are_shown_are_corrected_together() -> None:
    runs = [answered("one", [C] * 12), answered("two", [W] * 12)]
    found = compare_runs(BASE, runs).contrasts
    assert [each.tests for each in found] == [2, 2]
    assert [each.corrected_p for each in found] == stats.holm([e.difference.p for e in found])


def test_shared_methods_are_paired_and_else_the_first_of_each() -> None:
    a, b = (named(sampled([(C, W), (W, C)]), name) for name in "ab")
    found = compare_runs(a, [b]).contrasts
    assert [each.method for each in found] == ["majority", "best_of_n"]
    (found_one,) = compare_runs(answered("g", [C, W]), [b]).contrasts
    assert (found_one.method, found_one.base_method) == ("majority", "greedy")


def test_pairs_of_methods_are_compared_as_they_are_named() -> None:
    a, b = (named(sampled([(C, W), (W, C)]), name) for name in "ab")
    pairs = [parse_pair("best_of_n:majority"), parse_pair("majority")]
    found = compare_runs(a, [b], pairs=pairs).contrasts
    assert [(each.method, each.base_method) for each in found] == [
        ("best_of_n", "majority"),
        ("majority", "majority"),
    ]
    with pytest.raises(UnknownNameError, match="unknown method 'mcts'"):
        compare_runs(a, [b], pairs=[("majority", "mcts")])
    with pytest.raises(BenchError, match="METHOD:BASE_METHOD is expected"):
        parse_pair("majority:")


def test_problems_that_one_run_failed_on_are_left_out_and_counted() -> None:
    (found,) = compare_runs(answered("a", [C, C, E]), [answered("b", [C, W, C])]).contrasts
    assert (found.difference.n, found.left_out) == (2, 1)


def benchmark(**changed: Any) -> dict[str, Any]:
    return {"name": "pool", "problems": 12, "sha256": "sha256:aa", "errata": [], **changed}


@pytest.mark.parametrize(
    ("base", "other", "reason"),
    [
        ({"benchmark": "a"}, {"benchmark": "b"}, "the benchmark: a and b"),
        (
            {"benchmark": benchmark()},
            {"benchmark": benchmark(sha256="sha256:bb")},
            r"the problems asked: 12 problems \(aa\) and 12 problems \(bb\)",
        ),
        (
            {"benchmark": benchmark(errata=["p1"])},
            {"benchmark": benchmark(errata="off")},
            "the errata: 1 corrected and off",
        ),
        (
            {"conventions": {"percent": True}},
            {"conventions": {"percent": False}},
            "the convention percent: True and False",
        ),
        ({}, {"checker": {"name": "x", "version": "x 1"}}, "the checker: rstar-bench and x 1"),
    ],
)
def test_incomparable_runs_are_refused_with_the_reason(
    base: dict[str, Any], other: dict[str, Any], reason: str
) -> None:
    runs = answered("base", [C] * 12, **base), answered("other", [C] * 12, **other)
    with pytest.raises(BenchError, match=reason):
        compare_runs(runs[0], [runs[1]])


def test_the_same_answers_under_another_checker_may_be_compared() -> None:
    other = answered("other", [C] * 12, checker={"name": "x", "version": "x 1"})
    lineage = {"config_digest": "base", "lineage": None}
    other = replace(other, header={**other.header, "lineage": lineage})
    assert check_comparable(BASE, other) == [
        "The same answers under two checkers: rstar-bench and x 1."
    ]


def test_conventions_do_not_matter_where_verifiers_decided_all() -> None:
    decided = tuple(replace(each, verifier=Verifier("arithmetic")) for each in BASE.records)
    sides = [
        named(replace(BASE, records=decided), name, conventions={"percent": percent})
        for name, percent in (("a", True), ("b", False))
    ]
    assert check_comparable(*sides) == []


def test_several_seeds_of_a_problem_are_refused() -> None:
    records = [make_record(0, {"greedy": C}, seed=seed) for seed in (0, 1)]
    twice = named(make_run(records), "twice")
    with pytest.raises(BenchError, match="the seeds"):
        compare_runs(twice, [twice])


def test_a_run_without_records_is_refused() -> None:
    with pytest.raises(BenchError, match="empty holds no record"):
        compare_runs(BASE, [answered("empty", [])])


def test_a_run_without_trees_cannot_be_cut_and_late_answers_are_none() -> None:
    other = answered("other", [W] * 12)
    with pytest.raises(BenchError, match="tree of problem 'p00' is not stored"):
        compare_runs(BASE, [other], at=("tokens", 100))
    late = compare_runs(BASE, [other], at=("seconds", 1.0)).contrasts[0]  # all took 2
    assert late.difference.only_b == 0
    whole = compare_runs(BASE, [other], at=("seconds", 2.0)).contrasts[0]
    assert whole.difference.only_b == 6


def test_budgets_are_read_or_refused() -> None:
    assert parse_budget("tokens=1024") == ("tokens", 1024.0)
    for text in ("tokens=x", "tokens=0", "tokens", "flops=nan"):
        with pytest.raises(BenchError, match="a number above 0"):
            parse_budget(text)
    with pytest.raises(BenchError, match="did you mean 'tokens'"):
        parse_budget("token=3")


def test_a_table_and_flips_say_what_json_holds() -> None:
    comparison = compare_runs(BASE, [answered("better", [C] * 9 + [W] * 3)])
    grid = lay_out(comparison)
    assert grid.rows[0][0] == "better greedy\nbase greedy"
    assert grid.rows[0][4] == "3/0"
    lines = list_flips(comparison, 2)
    assert lines[0].endswith("0 lost, 3 won")
    assert lines[-1] == "  ... and 1 more; --flips 3 shows them"
    assert len(to_json(comparison)["contrasts"][0]["flips"]) == 3
