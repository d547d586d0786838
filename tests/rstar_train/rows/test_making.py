"""The rows stage: files of rows, what was dropped and why, balance and carrying over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError
from bench.runs.record import Record, Selected, Tokens
from bench.runs.writer import RunDir
from bench.search import Trace
from bench.types import Outcome, Problem
from rstar_train.figures import RowFigures
from rstar_train.recipes.recipe import load_recipe
from rstar_train.recipes.settings import RowSettings
from rstar_train.rows.making import FILES, make_rows
from rstar_train.rows.row import OutcomeRow, PairRow, SFTRow, StepRow, read_rows, write_rows
from tests.rstar_train.trees import rollout, tree

RECIPE = load_recipe("smollm2-cpu")
SHIPPED, SEED = RECIPE.at(2), RECIPE.seed


def settings_of(**rows: Any) -> RowSettings:
    changes = {"carry_over": False, "sft_per_family": 0, "pairs_per_family": 0, **rows}
    return replace(SHIPPED.rows, **changes)


def problem(name: str, family: str = "gcd") -> Problem:
    return Problem(name, f"What is {name}?", "3", "b", subject=family)


def mixed(name: str, seed: int = 0) -> Trace:
    trace = tree(name, seed)
    rollout(trace, f"good {seed} {name} ", "3", value=1)
    rollout(trace, f"fine {seed} {name} ", "3", value=1)
    rollout(trace, f"bad {seed} {name} ", "4", value=-1)
    return trace


def only(name: str, value: float) -> Trace:
    trace = tree(name)
    rollout(trace, "a ", "end", value=value)
    return trace


def stored(folder: Path, *traces: Trace) -> Path:
    """Store traces as a search would; one that is None failed."""
    with RunDir.open(folder, {"config": {}}) as run:
        for index, trace in enumerate(traces):
            record = Record(
                problem_id=trace.problem_id,
                seed=trace.seed,
                benchmark="b",
                gold="3",
                search="mcts",
                samples=(),
                selected={"first": Selected(None, Outcome.NO_ANSWER, None)},
                tokens=Tokens(),
                executions=0,
            )
            run.append(record, trace.to_json() if trace.nodes else {}, {"total": 1.0}, index)
    return folder


def made(
    tmp_path: Path, problems: list[Problem], settings: RowSettings, *traces: Trace
) -> tuple[RowFigures, list[SFTRow], list[PairRow]]:
    trees = stored(tmp_path / "trees", *traces)
    figures = make_rows(problems, trees, settings, tmp_path / "rows", seed=SEED)
    return (
        figures,
        read_rows(SFTRow, tmp_path / "rows" / "sft.jsonl"),
        read_rows(PairRow, tmp_path / "rows" / "pairs.jsonl"),
    )


def test_every_file_is_written_and_counted(tmp_path: Path) -> None:
    figures, solutions, pairs = made(tmp_path, [problem("p")], settings_of(), mixed("p"))
    assert all((tmp_path / "rows" / name).is_file() for name in FILES)
    outcomes = read_rows(OutcomeRow, tmp_path / "rows" / "outcomes.jsonl")
    steps = read_rows(StepRow, tmp_path / "rows" / "steps.jsonl")
    assert (figures.sft_rows, figures.pairs) == (len(solutions), len(pairs)) == (2, 4)
    assert (figures.outcomes, figures.steps) == (len(outcomes), len(steps)) == (3, 6)
    assert figures.sft_by_family == {"gcd": 2}


def test_what_gives_no_rows_is_counted_by_its_reason(tmp_path: Path) -> None:
    problems = [problem(name) for name in ("mixed", "right", "wrong", "unsearched")]
    figures, solutions, pairs = made(
        tmp_path, problems, settings_of(), mixed("mixed"), only("right", 1.0), only("wrong", -1.0)
    )
    assert figures.dropped["problems not searched"] == 1
    assert figures.dropped["problems unsolved"] == 1
    assert figures.dropped["problems all correct, no pairs"] == 1
    assert {row.problem_id for row in solutions} == {"mixed", "right"}
    assert {row.problem_id for row in pairs} == {"mixed"}


def test_all_correct_trees_give_solutions_and_an_empty_file_of_pairs(tmp_path: Path) -> None:
    figures, solutions, pairs = made(tmp_path, [problem("p")], settings_of(), only("p", 1.0))
    assert (len(solutions), pairs, figures.pairs) == (1, [], 0)


def test_a_problem_on_which_the_harness_failed_gives_no_rows(tmp_path: Path) -> None:
    failed = Trace("p", "mcts", 0, [])
    figures, solutions, _ = made(tmp_path, [problem("p")], settings_of(), failed)
    assert (solutions, figures.dropped["problems not searched"]) == ([], 1)


def test_rows_are_those_of_the_problems_asked_for(tmp_path: Path) -> None:
    _, solutions, _ = made(tmp_path, [problem("mine")], settings_of(), mixed("mine"), mixed("held"))
    assert {row.problem_id for row in solutions} == {"mine"}


def test_both_trees_of_a_problem_are_used(tmp_path: Path) -> None:
    _, solutions, pairs = made(
        tmp_path, [problem("p")], settings_of(), mixed("p"), mixed("p", seed=1)
    )
    assert len(solutions) == 2  # of four
    assert len(pairs) == 8


def test_no_family_has_more_rows_than_the_recipe_allows(tmp_path: Path) -> None:
    problems = [*(problem(f"e{i}") for i in range(4)), problem("h", "lcm")]
    traces = [mixed(each.id) for each in problems]
    settings = settings_of(sft_per_family=3, pairs_per_family=5)
    figures, _, pairs = made(tmp_path, problems, settings, *traces)
    assert figures.sft_by_family == {"gcd": 3, "lcm": 2}
    assert figures.pairs_by_family == {"gcd": 5, "lcm": 4}
    assert figures.dropped["SFT rows above sft_per_family"] == 5
    assert figures.dropped["pairs above pairs_per_family"] == 11
    _, _, again = made(tmp_path / "again", problems, settings, *traces)
    assert again == pairs


def test_problems_that_are_mostly_wrong_can_be_left_out_as_noise(tmp_path: Path) -> None:
    noisy = tree("noisy")
    rollout(noisy, "a ", "3", value=1)
    for step in ("b ", "c "):
        rollout(noisy, step, "4", value=-1)
    problems = [problem("noisy"), problem("clean")]
    figures, solutions, _ = made(
        tmp_path, problems, settings_of(min_solved_share=0.5), noisy, mixed("clean")
    )
    assert {row.problem_id for row in solutions} == {"clean"}
    assert figures.dropped["problems below min_solved_share"] == 1


@pytest.mark.parametrize("carry_over", [True, False])
def test_rows_of_problems_that_this_round_did_not_solve_may_be_carried_over(
    tmp_path: Path, carry_over: bool
) -> None:
    problems = [problem("old"), problem("both")]
    before, now = tmp_path / "before", tmp_path / "now"
    # Everything is carried, balanced or not.
    make_rows(
        problems,
        stored(before / "trees", mixed("old"), mixed("both", seed=7)),
        settings_of(sft_per_family=1),
        before / "rows",
        seed=SEED,
    )
    make_rows(
        problems,
        stored(now / "trees", only("old", -1.0), mixed("both")),
        settings_of(carry_over=carry_over),
        now / "rows",
        before / "rows" / "all",
        seed=SEED,
    )
    solutions = read_rows(SFTRow, now / "rows" / "sft.jsonl")
    found = {name: [r for r in solutions if r.problem_id == name] for name in ("old", "both")}
    assert len(found["old"]) == (2 if carry_over else 0)
    assert all("0 both" in row.completion for row in found["both"])


def test_the_official_rules_and_filter_make_other_rows(tmp_path: Path) -> None:
    problems, trace = [problem("p")], mixed("p")
    _, _, ours = made(tmp_path / "paper", problems, settings_of(), trace)
    _, _, theirs = made(tmp_path / "official", problems, settings_of(rules="official"), trace)
    assert {row.kind for row in ours} == {"step", "solution"}
    assert {row.kind for row in theirs} == {"step"}
    figures, _, kept = made(
        tmp_path / "filter", problems, settings_of(pair_filter="official"), trace
    )
    assert kept == []  # the steps are but a few characters apart
    assert figures.dropped["pairs by the filter"] == len(ours)


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    file = tmp_path / "sft.jsonl"
    write_rows([SFTRow("p", "a", "b", 1.0)], file)
    with file.open("a") as damaged:
        damaged.write('{"problem_id": 3}\n')
    with pytest.raises(DataError, match=r"line 2 is no row: .*expected an object with problem_id"):
        read_rows(SFTRow, file)
    with pytest.raises(DataError, match="cannot read the rows"):
        read_rows(SFTRow, tmp_path / "none.jsonl")
