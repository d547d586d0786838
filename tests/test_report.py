"""The table counts failures apart, compares on the same problems, and prints sensible digits."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench import report, stats
from bench.record import Key, Record, Sample, Selected, Tokens
from bench.store import Run, RunDir, load_run
from bench.types import Outcome

C, W, N = Outcome.CORRECT, Outcome.WRONG, Outcome.NO_ANSWER
T, U, E, G = Outcome.TRUNCATED, Outcome.UNPARSED, Outcome.ENGINE_ERROR, Outcome.INVALID_GOLD
SEARCHES: Mapping[str, Mapping[str, Any]] = {
    "greedy": {"name": "greedy"},
    "sample": {"name": "sample", "n": 4},
    "mcts": {"name": "mcts", "rollouts": 8, "candidates": 4, "c": 2.0},
}


def make_record(
    index: int,
    selected: Mapping[str, Outcome],
    *,
    samples: Sequence[Outcome] = (),
    seed: int = 0,
    error: str | None = None,
) -> Record:
    return Record(
        problem_id=f"p{index:02}",
        seed=seed,
        benchmark="pool",
        gold="1",
        search="any",
        samples=tuple(Sample("1", o, None, (), 10, "") for o in samples),
        selected={name: Selected("1", outcome, 0) for name, outcome in selected.items()},
        tokens=Tokens(policy_prompt=10, policy_generated=1000 + index, ppm=200),
        executions=1,
        error=error,
    )


def make_run(
    records: Sequence[Record],
    *,
    policy: str = "base",
    ppm: str | None = None,
    search: str = "greedy",
    seconds: float | None = 2.0,
    benchmark: str = "pool",
) -> Run:
    config = {
        "policy": policy,
        "ppm": ppm,
        "benchmark": benchmark,
        "search": SEARCHES[search],
        "seed": 0,
    }
    timings = {} if seconds is None else {r.key: {"total": seconds} for r in records}
    return Run(Path("run"), {"config": config, "config_digest": "d"}, tuple(records), timings)


def greedy(outcomes: Sequence[Outcome], **options: Any) -> Run:
    records = [make_record(i, {"greedy": o}) for i, o in enumerate(outcomes)]
    return make_run(records, search="greedy", **options)


def sampled(pairs: Sequence[tuple[Outcome, Outcome]], **options: Any) -> Run:
    records = [
        make_record(i, {"majority": m, "best_of_n": b}, samples=[m, b, W, W])
        for i, (m, b) in enumerate(pairs)
    ]
    return make_run(records, search="sample", ppm="round-1", **options)


def test_every_outcome_has_its_own_count_and_failures_are_never_wrong() -> None:
    run = greedy([C, C, C, W, N, T, U, E, G, Outcome.CHECKER_TIMEOUT, Outcome.UNSAFE])
    (row,) = report.leaderboard([run]).rows
    assert row.counts == report.Counts(
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
    (row,) = report.leaderboard([make_run(records, search="mcts")]).rows
    assert (row.counts.correct, row.counts.wrong, row.counts.failures) == (1, 0, 2)


def test_a_run_of_nothing_but_failures_has_a_row_and_no_accuracy() -> None:
    run = make_run([make_record(0, {}, error="x"), make_record(1, {}, error="x")], search="mcts")
    table = report.leaderboard([run])
    (row,) = table.rows
    assert (row.accuracy, row.method, row.counts.failures) == (None, "any", 2)
    assert "| 2 [0.0, 100.0] |" in report.to_markdown(table)


def test_a_run_without_records_is_mentioned_not_scored() -> None:
    table = report.leaderboard([make_run([])])
    assert table.rows == ()
    assert table.notes[-1] == "base on pool: no problem done."
    assert "no problem done" in report.to_markdown(table)


def test_two_selectors_of_one_run_are_two_rows_that_say_they_share_it() -> None:
    table = report.leaderboard([greedy([C, W]), sampled([(C, W), (W, W)])])
    assert [r.label for r in table.rows] == ["greedy", "majority@4", "best_of_n@4"]
    assert [r.shares_run for r in table.rows] == [False, True, True]
    assert any("majority@4, best_of_n@4 share a run" in note for note in table.notes)


def test_methods_are_labelled_with_their_budget() -> None:
    (row,) = report.leaderboard([make_run([make_record(0, {"mcts": C})], search="mcts")]).rows
    assert (row.label, row.budget) == ("mcts 8x4", {"rollouts": 8, "candidates": 4})


def test_each_row_is_compared_with_the_first_of_its_policy() -> None:
    base = greedy([C, C, W, W, W, W])
    searched = sampled([(C, C), (C, W), (C, C), (C, C), (W, C), (W, C)])
    other = greedy([W, W, W, W, W, C], policy="round-1")
    rows = report.leaderboard([base, searched, other]).rows
    assert [r.against for r in rows] == [None, "greedy", "greedy", None]
    majority = rows[1].difference
    assert majority == stats.paired_difference(
        [True, True, True, True, False, False], [True, True, False, False, False, False]
    )
    assert majority is not None
    assert (majority.only_a, majority.only_b, majority.p) == (2, 0, 0.5)


def test_a_comparison_uses_only_problems_that_both_could_be_judged_on() -> None:
    a, b = greedy([C, C, E, W, C]), greedy([W, C, C, G])
    difference = report.compare(a, b, a_method="greedy", b_method="greedy")
    assert difference == stats.paired_difference([True, True], [False, True])
    nothing = report.compare(greedy([E]), b, a_method="greedy", b_method="greedy")
    assert nothing is None


def test_the_same_policy_on_another_benchmark_is_not_compared() -> None:
    rows = report.leaderboard([greedy([C]), greedy([W], benchmark="math500")]).rows
    assert [r.difference for r in rows] == [None, None]


def test_several_seeds_of_a_problem_are_one_cluster_and_are_not_paired() -> None:
    records = [make_record(i, {"greedy": C if i else W}, seed=s) for i in range(3) for s in (0, 1)]
    run = make_run(records)
    (row,) = report.leaderboard([run]).rows
    assert row.accuracy == stats.clustered_mean([[0, 0], [1, 1], [1, 1]])
    assert (row.n, row.accuracy.n if row.accuracy else 0) == (6, 3)
    assert report.compare(run, run, a_method="greedy", b_method="greedy") is None


def test_costs_are_means_of_a_problem() -> None:
    (row,) = report.leaderboard([greedy([C, W, W], seconds=1.25)]).rows
    assert (row.policy_tokens, row.ppm_tokens, row.seconds) == (1001, 200, 1.25)
    (untimed,) = report.leaderboard([greedy([C], seconds=None)]).rows
    assert untimed.seconds is None


def test_a_timing_without_a_record_is_not_counted() -> None:
    run = greedy([C], seconds=2.0)
    extra = {**run.seconds, Key("p99", 0): {"total": 1e6}}
    (row,) = report.leaderboard([Run(run.path, run.header, run.records, extra)]).rows
    assert row.seconds == 2.0


def demo() -> report.Table:
    outcomes = [C] * 20 + [W] * 8 + [N, T, U] + [E]
    better = [(C, C)] * 24 + [(W, C)] * 4 + [(W, W)] * 4
    return report.leaderboard([greedy(outcomes), sampled(better)])


def test_markdown_is_a_table_with_its_context_above_and_its_meaning_below() -> None:
    text = report.to_markdown(demo())
    lines = text.splitlines()
    assert lines[0] == "**Benchmark pool · PPM round-1 · Seed 0**"
    assert lines[2].startswith("| Policy | Method | n | Accuracy 95 % | W/N/T/U | Failed |")
    assert lines[4] == (
        "| base | greedy | 32 | 64.5 % [46.9, 78.9] | 8/1/1/1 | 1 [62.5, 65.6] "
        "| 1,016 + 200 | 2.0 | - |"
    )
    assert lines[5].startswith(
        "| base | majority@4 | 32 | 75.0 % [57.9, 86.7] | 8/0/0/0 | 0 | 1,016 + 200 "
    )
    assert "| +12.9 (0.12) [" in lines[5]
    assert "Newcombe" in text
    assert "not corrected" in text


def test_rows_with_different_ppms_or_benchmarks_say_which() -> None:
    runs = [
        make_run([make_record(0, {"mcts": C})], search="mcts", ppm=ppm, benchmark=benchmark)
        for ppm, benchmark in (("round-1", "pool"), ("round-2", "math500"))
    ]
    assert [row[:3] for row in cells(report.leaderboard(runs))] == [
        ["Benchmark", "PPM", "Policy"],
        ["---", "---", "---"],
        ["pool", "round-1", "base"],
        ["math500", "round-2", "base"],
    ]


def test_a_vertical_bar_in_a_name_does_not_break_markdown() -> None:
    text = report.to_markdown(report.leaderboard([greedy([C], policy="a|b")]))
    assert "| a\\|b |" in text


@pytest.mark.parametrize("width", [80, 160])
def test_the_terminal_table_shows_every_cell(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, record=True)
    console.print(report.to_rich(demo()))
    text = console.export_text()
    for cell in ("majority@4", "64.5 %", "[46.9, 78.9]", "8/1/1/1", "[62.5, 65.6]", "+12.9 (0.12)"):
        assert cell in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_a_name_in_brackets_is_not_taken_for_a_colour() -> None:
    console = Console(file=io.StringIO(), width=160, record=True)
    console.print(report.to_rich(report.leaderboard([greedy([C], policy="[red]")])))
    assert "[red]" in console.export_text()


def test_json_holds_fractions_and_reads_back() -> None:
    data = json.loads(json.dumps(report.to_json(demo()), allow_nan=False))
    row = data["rows"][1]
    assert (row["label"], row["method"], row["budget"]) == ("majority@4", "majority", {"n": 4})
    assert row["accuracy"]["estimate"] == 0.75
    assert row["difference"]["only_b"] == 0
    assert data["rows"][0]["bounds"] == {"worst": 0.625, "best": 0.65625}


def cells(table: report.Table) -> list[list[str]]:
    lines = report.to_markdown(table).splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]


def test_a_difference_of_nothing_has_no_minus_sign() -> None:
    table = report.leaderboard([greedy([C, W] * 10), greedy([C, W] * 10)])
    assert cells(table)[3][-1].startswith("+0.0 (1.00) [-")


def test_p_values_have_as_many_digits_as_mean_something() -> None:
    runs = [greedy([W] * 40)] + [greedy([C] * n + [W] * (40 - n)) for n in (4, 6, 7, 30)]
    gains = [row[-1] for row in cells(report.leaderboard(runs))[3:]]
    assert [gain.split("(")[1].split(")")[0] for gain in gains] == [
        *("0.12", "0.031", "0.016", "< 0.001")
    ]


def test_the_summary_has_pass_at_k_of_independent_samples_only() -> None:
    samples = report.summary(sampled([(C, W), (W, C), (W, W)]))["pass_at_k"]
    assert list(samples) == ["1", "2", "4"]
    assert samples["1"]["estimate"] == pytest.approx((1 / 4 + 1 / 4 + 0) / 3)
    assert samples["4"]["estimate"] == pytest.approx(2 / 3)
    searched = make_run([make_record(0, {"mcts": C}, samples=[C, W])], search="mcts")
    assert report.summary(searched)["pass_at_k"] == {}


def test_failed_samples_do_not_count_as_draws() -> None:
    record = make_record(0, {"majority": C}, samples=[C, E, W, E])
    assert list(report.summary(make_run([record], search="sample"))["pass_at_k"]) == ["1", "2"]


def test_the_summary_of_a_stored_run_does_not_depend_on_seconds_or_order(tmp_path: Path) -> None:
    config = {"policy": "base", "benchmark": "pool", "search": SEARCHES["greedy"], "seed": 0}
    written = []
    for name, order, seconds in (("a", (0, 1, 2), 1.0), ("b", (2, 0, 1), 9.0)):
        with RunDir.open(tmp_path / name, {"config": config}) as run:
            for i in order:
                run.append(make_record(i, {"greedy": C if i else W}), {}, {"total": seconds}, i)
            run.write_summary(report.summary(load_run(run.path)))
        written.append((tmp_path / name / "summary.json").read_bytes())
    assert written[0] == written[1]
    assert json.loads(written[0])["rows"][0]["counts"]["correct"] == 2
