"""Every format shows every cell, says what rows differ in, and prints sensible digits."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bench.reports.leaderboard import Table, leaderboard
from bench.reports.render import to_json, to_markdown, to_rich
from tests.made_runs import C, E, N, T, U, W, greedy, make_record, make_run, sampled


def demo() -> Table:
    outcomes = [C] * 20 + [W] * 8 + [N, T, U] + [E]
    better = [(C, C)] * 24 + [(W, C)] * 4 + [(W, W)] * 4
    return leaderboard([greedy(outcomes), sampled(better)])


def cells(table: Table) -> list[list[str]]:
    lines = to_markdown(table).splitlines()
    return [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]


def test_markdown_is_a_table_with_its_context_above_and_its_meaning_below() -> None:
    text = to_markdown(demo())
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
    assert [row[:3] for row in cells(leaderboard(runs))] == [
        ["Benchmark", "PPM", "Policy"],
        ["---", "---", "---"],
        ["pool", "round-1", "base"],
        ["math500", "round-2", "base"],
    ]


def test_a_vertical_bar_in_a_name_does_not_break_markdown() -> None:
    text = to_markdown(leaderboard([greedy([C], policy="a|b")]))
    assert "| a\\|b |" in text


@pytest.mark.parametrize("width", [80, 160])
def test_the_terminal_table_shows_every_cell(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, record=True)
    console.print(to_rich(demo()))
    text = console.export_text()
    for cell in ("majority@4", "64.5 %", "[46.9, 78.9]", "8/1/1/1", "[62.5, 65.6]", "+12.9 (0.12)"):
        assert cell in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_a_name_in_brackets_is_not_taken_for_a_colour() -> None:
    console = Console(file=io.StringIO(), width=160, record=True)
    console.print(to_rich(leaderboard([greedy([C], policy="[red]")])))
    assert "[red]" in console.export_text()


def test_json_holds_fractions_and_reads_back() -> None:
    data = json.loads(json.dumps(to_json(demo()), allow_nan=False))
    row = data["rows"][1]
    assert (row["label"], row["method"], row["budget"]) == ("majority@4", "majority", {"n": 4})
    assert row["accuracy"]["estimate"] == 0.75
    assert row["difference"]["only_b"] == 0
    assert data["rows"][0]["bounds"] == {"worst": 0.625, "best": 0.65625}


def test_a_difference_of_nothing_has_no_minus_sign() -> None:
    table = leaderboard([greedy([C, W] * 10), greedy([C, W] * 10)])
    assert cells(table)[3][-1].startswith("+0.0 (1.00) [-")


def test_p_values_have_as_many_digits_as_mean_something() -> None:
    runs = [greedy([W] * 40)] + [greedy([C] * n + [W] * (40 - n)) for n in (4, 6, 7, 30)]
    gains = [row[-1] for row in cells(leaderboard(runs))[3:]]
    assert [gain.split("(")[1].split(")")[0] for gain in gains] == [
        *("0.12", "0.031", "0.016", "< 0.001")
    ]


def test_failures_bound_the_accuracy_that_they_hide() -> None:
    run = make_run([make_record(0, {}, error="x"), make_record(1, {}, error="x")], search="mcts")
    assert "| - | 0/0/0/0 | 2 [0.0, 100.0] |" in to_markdown(leaderboard([run]))


def test_a_run_without_records_is_mentioned_below_the_table() -> None:
    assert "- base on pool: no problem done." in to_markdown(leaderboard([make_run([])]))
