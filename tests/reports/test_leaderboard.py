"""The table counts failures apart, and compares on the same problems."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import stats
from bench.reports.leaderboard import Counts, compare, leaderboard, summary
from bench.runs.reader import Run, load_run
from bench.runs.record import Key
from bench.runs.writer import RunDir
from bench.types import Outcome
from tests.made_runs import SEARCHES, C, E, G, N, T, U, W, greedy, make_record, make_run, sampled


def test_every_outcome_has_its_own_count_and_failures_are_never_wrong() -> None:
    run = greedy([C, C, C, W, N, T, U, E, G, Outcome.CHECKER_TIMEOUT, Outcome.UNSAFE])
    (row,) = leaderboard([run]).rows
    assert row.counts == Counts(
        correct=3, wrong=1, no_answer=1, truncated=1, unparsed=1, failures=4
    )
    assert row.n == 11
    assert row.accuracy is not None
    assert row.accuracy.estimate == pytest.approx(3 / 7)
    assert row.accuracy.n == 7
    assert row.bounds == stats.Bounds(worst=3 / 11, best=7 / 11)


def test_a_problem_that_died_before_it_could_select_is_a_failure() -> None:
    records = [
        make_record(0, {"mcts": C}),
        make_record(1, {}, error="engine stopped"),
        make_record(2, {"mcts": W}, error="engine stopped after three rollouts"),
    ]
    (row,) = leaderboard([make_run(records, search="mcts")]).rows
    assert (row.counts.correct, row.counts.wrong, row.counts.failures) == (1, 0, 2)


def test_a_run_of_nothing_but_failures_has_a_row_and_no_accuracy() -> None:
    run = make_run([make_record(0, {}, error="x"), make_record(1, {}, error="x")], search="mcts")
    (row,) = leaderboard([run]).rows
    assert (row.accuracy, row.method, row.counts.failures) == (None, "any", 2)
    assert row.bounds == stats.Bounds(worst=0.0, best=1.0)


def test_a_run_without_records_is_mentioned_not_scored() -> None:
    table = leaderboard([make_run([])])
    assert table.rows == ()
    assert table.notes[-1] == "base on pool: no problem done."


def test_two_selectors_of_one_run_are_two_rows_that_say_they_share_it() -> None:
    table = leaderboard([greedy([C, W]), sampled([(C, W), (W, W)])])
    assert [r.label for r in table.rows] == ["greedy", "majority@4", "best_of_n@4"]
    assert [r.shares_run for r in table.rows] == [False, True, True]
    assert sum("Rows of one run share both" in line for line in table.legend) == 1


def test_methods_are_labelled_with_their_budget() -> None:
    (row,) = leaderboard([make_run([make_record(0, {"mcts": C})], search="mcts")]).rows
    assert (row.label, row.budget) == ("mcts 8x4", {"rollouts": 8, "candidates": 4})


def test_each_row_is_compared_with_the_first_of_its_policy() -> None:
    base = greedy([C, C, W, W, W, W])
    searched = sampled([(C, C), (C, W), (C, C), (C, C), (W, C), (W, C)])
    other = greedy([W, W, W, W, W, C], policy="round-1")
    rows = leaderboard([base, searched, other]).rows
    assert [r.against for r in rows] == [None, "greedy", "greedy", None]
    majority = rows[1].difference
    assert majority == stats.paired_difference(
        [True, True, True, True, False, False], [True, True, False, False, False, False]
    )
    assert majority is not None
    assert (majority.only_a, majority.only_b, majority.p) == (2, 0, 0.5)


def test_a_comparison_uses_only_problems_that_both_could_be_judged_on() -> None:
    a, b = greedy([C, C, E, W, C]), greedy([W, C, C, G])
    difference = compare(a, b, a_method="greedy", b_method="greedy")
    assert difference == stats.paired_difference([True, True], [False, True])
    nothing = compare(greedy([E]), b, a_method="greedy", b_method="greedy")
    assert nothing is None


def test_the_same_policy_on_another_benchmark_is_not_compared() -> None:
    rows = leaderboard([greedy([C]), greedy([W], benchmark="math500")]).rows
    assert [r.difference for r in rows] == [None, None]


def test_several_seeds_of_a_problem_are_one_cluster_and_are_not_paired() -> None:
    records = [make_record(i, {"greedy": C if i else W}, seed=s) for i in range(3) for s in (0, 1)]
    run = make_run(records)
    (row,) = leaderboard([run]).rows
    assert row.accuracy == stats.clustered_mean([[0, 0], [1, 1], [1, 1]])
    assert (row.n, row.accuracy.n if row.accuracy else 0) == (6, 3)
    assert compare(run, run, a_method="greedy", b_method="greedy") is None


def test_costs_are_means_of_a_problem() -> None:
    (row,) = leaderboard([greedy([C, W, W])]).rows
    assert (row.policy_tokens, row.ppm_tokens) == (1001, 200)


def test_seconds_are_of_the_run_whose_problems_wait_for_each_other() -> None:
    (row,) = leaderboard([greedy([C, W, W, W], seconds=1.5)]).rows
    assert row.run_seconds == 3.0  # two at a time
    (alone,) = leaderboard([greedy([C], seconds=1.5)]).rows
    assert alone.run_seconds == 1.5
    (untimed,) = leaderboard([greedy([C], seconds=None)]).rows
    assert untimed.run_seconds is None


def test_a_timing_without_a_record_is_not_counted() -> None:
    run = greedy([C], seconds=2.0)
    extra = {**run.seconds, Key("p99", 0): {"total": 1e6}}
    (row,) = leaderboard([Run(run.path, run.header, run.records, extra)]).rows
    assert row.run_seconds == 2.0


def test_the_summary_has_pass_at_k_of_independent_samples_only() -> None:
    samples = summary(sampled([(C, W), (W, C), (W, W)]))["pass_at_k"]
    assert list(samples) == ["1", "2", "4"]
    assert samples["1"]["estimate"] == pytest.approx((1 / 4 + 1 / 4 + 0) / 3)
    assert samples["4"]["estimate"] == pytest.approx(2 / 3)
    for search in ("mcts", "dvts"):  # the second has an n too
        searched = make_run([make_record(0, {search: C}, samples=[C, W])], search=search)
        assert summary(searched)["pass_at_k"] == {}


def test_failed_samples_do_not_count_as_draws() -> None:
    record = make_record(0, {"majority": C}, samples=[C, E, W, E])
    assert list(summary(make_run([record], search="sample"))["pass_at_k"]) == ["1", "2"]


def test_the_summary_of_a_stored_run_does_not_depend_on_seconds_or_order(tmp_path: Path) -> None:
    config = {"policy": "base", "benchmark": "pool", "search": SEARCHES["greedy"], "seed": 0}
    written = []
    for name, order, seconds in (("a", (0, 1, 2), 1.0), ("b", (2, 0, 1), 9.0)):
        with RunDir.open(tmp_path / name, {"config": config}) as run:
            for i in order:
                run.append(make_record(i, {"greedy": C if i else W}), {}, {"total": seconds}, i)
            run.write_summary(summary(load_run(run.path)))
        written.append((tmp_path / name / "summary.json").read_bytes())
    assert written[0] == written[1]
    assert json.loads(written[0])["rows"][0]["counts"]["correct"] == 2
