"""What rounds are reckoned to take, by hand where a hand can, and from what each number comes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli import main
from bench.errors import BenchError, RecipeError
from bench.reports.round_costs import (
    PAPER_PROBLEMS,
    STATED,
    RoundSearch,
    paper_basis,
    read_basis,
    read_rounds,
    reckon_rounds,
)
from bench.runs.reader import Run
from tests.made_runs import C, W, make_record, make_run, sampled

PAPER = "paper-qwen2.5-math-7b"


def searched(folder: Path, *, right: int = 3, of: int = 10) -> Run:
    """A run of mcts 8x4 that solved some problems, in a folder of 90 kB."""
    folder.mkdir()
    (folder / "records.jsonl").write_bytes(b" " * 90_000)
    records = [make_record(i, {"mcts": C}, samples=[C if i < right else W, W]) for i in range(of)]
    return replace(make_run(records, search="mcts"), path=folder)


def test_a_tree_costs_its_rollouts_times_its_candidates_and_the_unsolved_cost_more() -> None:
    assert RoundSearch(1, "previous", 8, 5, (), 1).count_units(0.4) == 40
    assert RoundSearch(2, "previous", 16, 8, (32,), 1).count_units(0.25) == 8 * (16 + 4)
    # A second tree is for those that the first, grown to its end, did not solve.
    assert RoundSearch(4, "previous", 16, 16, (64, 128), 2).count_units(0.1) == pytest.approx(
        16 * (16 + 11.2 + 12.8)
    )


def test_a_stored_run_says_tokens_rate_bytes_and_the_share_left_unsolved(tmp_path: Path) -> None:
    run = searched(tmp_path / "run")
    basis = read_basis(run)
    mean = sum(1000 + i for i in range(10)) / 10
    assert basis.tokens.value == pytest.approx(mean / 32)
    margin = 1.959964 * 3.0276504 / 10**0.5  # the standard deviation of 0 to 9
    assert basis.tokens.high - basis.tokens.value == pytest.approx(margin / 32)
    # Two at a time waited 2 s each: ten problems took 10 s.
    assert basis.tokens_a_second == pytest.approx(mean * 10 / 10)
    assert basis.bytes_a_token == pytest.approx(90_000 / (mean * 10))
    assert basis.unsolved_everywhere == pytest.approx(0.7)
    search = RoundSearch(1, "previous", 8, 4, (16,), 1)
    (cost,) = reckon_rounds([search], 1000, basis)
    assert cost.tokens.value == pytest.approx(1000 * mean * 1.7)
    assert cost.hours is not None
    assert cost.hours.value == pytest.approx(1000 * mean * 1.7 / mean / 3600)
    assert cost.storage.value == pytest.approx(1000 * 9_000 * 1.7)


def test_the_paper_s_numbers_give_its_second_round_back_and_leave_the_larger_model_out() -> None:
    rounds = read_rounds(PAPER)
    assert [search.label for search in rounds] == [
        "8x5",
        "16+32x8",
        "16+32x8",
        "16+64+128x16, 2 trees",
    ]
    first, second, _, fourth = reckon_rounds(rounds, PAPER_PROBLEMS, paper_basis())
    assert first.hours is None
    assert second.hours is not None and fourth.hours is not None
    assert second.hours.value == pytest.approx(STATED[2].gpu_hours)
    assert second.hours.low < second.hours.value < second.hours.high
    assert fourth.hours.value > second.hours.value
    (known, *_) = reckon_rounds(rounds, PAPER_PROBLEMS, paper_basis(), rate=1000.0)
    assert known.hours is not None


def test_a_run_that_says_nothing_of_mcts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="a run of 'sample', and a round searches with mcts"):
        read_basis(sampled([(C, W)] * 3))
    with pytest.raises(BenchError, match="holds 1 finished problems"):
        read_basis(searched(tmp_path / "small", of=1))
    run = searched(tmp_path / "run")
    config = {**run.config, "search": {**run.config["search"], "tokens": 512}}
    with pytest.raises(BenchError, match="end at 512 tokens"):
        read_basis(replace(run, header={**run.header, "config": config}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rounds: []", "expected the sections"),
        ("search: {rollouts: 8, candidates: 0}\nrounds: [{}]", "search.candidates of round 1"),
        ("search: {rollouts: 8, candidates: 4}\nrounds: [3]", "round 1 is no mapping"),
        ("system: cpl\nrounds: [{}]", "searches plans"),
        (
            "search: {rollouts: 8, candidates: 4, unsolved_rollouts: 9}\nrounds: [{}]",
            "must be a list",
        ),
    ],
)
def test_a_recipe_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(text)
    with pytest.raises(RecipeError, match=said):
        read_rounds(str(file))


def test_the_verb_prints_each_round_beside_the_paper_s_within_80_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["plan", "--problems", "747000", "--recipe", PAPER]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert [f"{stated.gpu_hours:,.0f}" in shown for stated in STATED.values()] == [True] * 4
    flat = " ".join(shown.split())
    assert "table 9" in flat and "table 2" in flat
    arguments = ["plan", "--problems", "1000", "--recipe", PAPER, "--rate", "500"]
    assert main([*arguments, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [each["paper_gpu_hours"] for each in data["rounds"]] == [26880, 4320, 4320, 10080]
    assert all(each["hours"] for each in data["rounds"])
