"""Rows that no test tells apart share a rank, whatever their accuracies."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bench.errors import BenchError
from bench.reports.grid import grid_to_markdown
from bench.reports.standings import Standings, rank_runs
from bench.reports.standings_view import encode, lay_out
from bench.runs.reader import Run
from bench.types import Outcome
from tests.made_runs import C, E, W, greedy


def made(policy: str, outcomes: Sequence[Outcome], *, seed: int = 0, **options: Any) -> Run:
    run = greedy(outcomes, policy=policy, **options)
    records = tuple(replace(record, seed=seed) for record in run.records)
    config = {**run.config, "seed": seed}
    header = {"config": config, "command": ["rstar-bench", "run", "--policy", policy]}
    return replace(run, header=header, records=records)


RUNS = [
    made("worst", [W] * 38 + [C] * 2),
    made("second", [C] * 30 + [W] * 10),
    made("first", [C] * 32 + [W] * 8),
]


def ranks(standings: Standings) -> list[tuple[str, int, bool]]:
    (board,) = standings.boards
    return [(each.row.policy, each.rank, each.shared) for each in board.standings]


def test_a_rank_is_one_more_than_the_rows_shown_to_be_better() -> None:
    found = rank_runs(RUNS)
    assert ranks(found) == [("first", 1, True), ("second", 1, True), ("worst", 3, False)]
    assert found.boards[0].tests == 3


def test_runs_of_other_problems_stand_on_other_boards() -> None:
    found = rank_runs([*RUNS, made("first", [C], benchmark="other")])
    assert [board.benchmark for board in found.boards] == ["pool", "other"]


def test_runs_that_differ_in_their_seed_are_one_row() -> None:
    again = made("first", [C] * 30 + [W] * 10, seed=1)
    found = rank_runs([*RUNS, again])
    first = next(s for s in found.boards[0].standings if s.row.policy == "first")
    assert (first.seeds, first.problems, first.row.n) == ((0, 1), 40, 80)
    assert [rank for _, rank, _ in ranks(found)] == [1, 1, 3]


def test_rows_that_differ_alike_on_every_problem_of_several_seeds_are_told_apart() -> None:
    runs = [
        made(policy, [outcome] * 30, seed=seed)
        for policy, outcome in (("right", C), ("wrong", W))
        for seed in (0, 1)
    ]
    assert ranks(rank_runs(runs)) == [("right", 1, False), ("wrong", 2, False)]


def test_a_copy_is_left_out_and_a_repetition_stands_apart() -> None:
    again = made("first", [C] * 2 + [W] * 38)
    found = rank_runs([*RUNS, RUNS[0], again])
    assert len(found.boards[0].standings) == 4
    flagged = [each.flags for each in found.boards[0].standings if each.flags]
    assert flagged == [("the 2. run of this configuration, with other records",)]


def test_a_row_of_aime_with_one_seed_is_flagged() -> None:
    one = rank_runs([made("p", [C, W], benchmark="aime2024")])
    two = rank_runs([made("p", [C, W], benchmark="aime2024", seed=seed) for seed in (0, 1)])
    assert one.boards[0].standings[0].flags == ("one seed of 2 problems",)
    assert two.boards[0].standings[0].flags == ()


def test_quoted_rows_stand_apart_and_are_marked() -> None:
    board, quoted = lay_out(rank_runs([made("p", [C, W], benchmark="math500")]))
    assert len(board.rows) == 1
    assert "not run here" in quoted.title
    assert all("arXiv" in row[2] for row in quoted.rows)
    assert "rStar-Math (Qwen2.5-Math-7B + 7B PPM)" in [row[0] for row in quoted.rows]


def test_every_row_has_the_command_that_makes_it_again() -> None:
    text = grid_to_markdown(lay_out(rank_runs(RUNS))[0])
    assert "Row 3: rstar-bench run --policy worst" in text


def test_failures_and_runs_without_records_are_told() -> None:
    found = rank_runs([made("p", [C, E]), made("q", [])])
    assert found.boards[0].standings[0].flags == ("1 answers could not be judged",)
    assert found.notes == ("q on pool: no problem done.",)


def test_files_hold_the_same_rows() -> None:
    standings = rank_runs([*RUNS, made("p", [C, W], benchmark="math500")])
    rows = list(csv.DictReader(io.StringIO(encode(standings, ".csv").decode())))
    assert [row["policy"] for row in rows[:3]] == ["first", "second", "worst"]
    assert float(rows[0]["accuracy"]) == pytest.approx(0.8)
    assert {row["quoted"] for row in rows} == {"True", "False"}
    data = json.loads(encode(standings, ".json"))
    assert data["boards"][0]["standings"][0]["label"] == "greedy"
    assert b"| Row |" in encode(standings, ".md")


def test_parquet_holds_the_same_rows() -> None:
    pytest.importorskip("pyarrow")
    import pandas

    frame = pandas.read_parquet(io.BytesIO(encode(rank_runs(RUNS), ".parquet")))
    assert list(frame["policy"]) == ["first", "second", "worst"]


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(BenchError, match="ends in '.xls'; choose one of .md, .json"):
        encode(rank_runs(RUNS), ".xls")
