"""Every format shows every cell, says what rows differ in, and prints sensible digits."""

from __future__ import annotations

import io
import json

from rich.console import Console

from bench.reports.grid import COLUMNS, grids_to_rich
from bench.reports.leaderboard import Table, leaderboard
from bench.reports.render import to_grid, to_json, to_markdown
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
        "| 1,016 + 200 | 32.0 | - |"
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


def show(*tables: Table) -> list[str]:
    console = Console(file=io.StringIO(), width=COLUMNS, record=True)
    console.print(grids_to_rich([to_grid(table) for table in tables]))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_row_is_one_line_of_the_terminal_and_its_legend_two() -> None:
    lines = show(demo())
    assert lines[0] == "base on pool · n = 32 · PPM round-1 · seed 0"
    assert lines[1].split() == [*"Right, % W/N/T/U Failed Tokens Run s Gain, points p".split()]
    assert [" ".join(line.split()) for line in lines[3:5]] == [
        "greedy 64.5 [47,79] 8/1/1/1 1 [62,66] 1,016+200 32 - -",
        "majority@4 75.0 [58,87] 8/0/0/0 0 1,016+200 32 +12.9 [-1,+26] 0.12",
    ]
    assert lines[6].startswith("W/N/T/U: wrong")
    assert lines[7] == "Brackets: 95 %. Gain: over greedy, same problems; exact p."
    assert lines[8].startswith("Failed: could not")
    assert max(map(len, lines)) <= COLUMNS


def test_what_no_row_has_is_no_column_of_the_terminal() -> None:
    lines = show(leaderboard([greedy([C, W])]))
    assert lines[1].split() == [*"Right, % W/N/T/U Tokens Run s".split()]


def test_rows_that_differ_stand_below_what_they_differ_in() -> None:
    runs = [greedy([C, W], policy=policy) for policy in ("first", "second")]
    lines = show(leaderboard(runs))
    assert lines[0] == "pool · n = 2 · seed 0"
    assert [line for line in lines if line in ("first", "second")] == ["first", "second"]
    assert lines.index("first") + 1 == next(at for at, x in enumerate(lines) if "greedy" in x)


def test_the_legend_of_several_tables_is_told_once() -> None:
    text = "\n".join(show(demo(), demo()))
    assert text.count("W/N/T/U: wrong") == 1
    assert text.count("majority@4") == 2


def test_a_name_in_brackets_is_not_taken_for_a_colour() -> None:
    assert any("[red]" in line for line in show(leaderboard([greedy([C], policy="[red]")])))


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
