"""Runs as data: the page's numbers are those of the run, of its cuts, and of its trees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.errors import MissingRunError
from bench.page.budgets import Curves, follow_choices, list_budgets
from bench.page.runs import describe_runs
from bench.page.trees import EVENT_LETTERS, pack_tree
from bench.reports.leaderboard import leaderboard
from bench.reports.token_budget import cut
from bench.runs.reader import Run, load_run
from bench.search import EventKind, NodeKind, Trace
from bench.search.registry import find_search
from bench.speed.page import make_run
from tests.made_runs import C, E, U, W, greedy, sampled


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(make_run(tmp_path_factory.mktemp("runs") / "made", problems=4, nodes=60))


def test_the_curve_is_that_of_the_run_cut_at_each_budget(run: Run) -> None:
    largest = max(record.tokens.policy_generated for record in run.records)
    budgets = list_budgets(largest)[::8]
    selectors = find_search("mcts").choose_by("last")
    curves = Curves(budgets)
    records = {record.key: record for record in run.records}
    for stored in run.trees():
        trace, record = Trace.from_json(stored.tree), records[stored.problem_id, stored.seed]
        choices = follow_choices(trace, record, selectors, budgets)
        curves.add({name: name for name in selectors}, choices)
    chart = curves.draw()
    assert chart is not None
    for series in chart.series:
        for budget, percent, low, high in series.points:
            rows = {row.method: row for row in leaderboard([cut(run, int(budget))]).rows}
            accuracy = rows[series.name].accuracy
            assert accuracy is not None
            assert percent == pytest.approx(100 * accuracy.estimate)
            assert (low, high) == (
                pytest.approx(100 * accuracy.low),
                pytest.approx(100 * accuracy.high),
            )


def test_a_packed_tree_holds_what_the_stored_one_does(run: Run) -> None:
    stored = next(run.trees()).tree
    packed = pack_tree(stored)
    nodes = stored["nodes"]
    assert packed["texts"] == [node["text"] for node in nodes]
    assert packed["parents"][0] == -1
    assert [list(NodeKind)[kind] for kind in packed["kinds"]] == [node["kind"] for node in nodes]
    letters = {letter: kind for kind, letter in EVENT_LETTERS.items()}
    clock = packed["events"]
    assert [letters[each] for each in clock["kinds"]] == [event[0] for event in stored["events"]]
    assert sum(clock["generated"]) == stored["usage"]["policy_generated"]
    assert packed["errors"] == {n["index"]: n["error"] for n in nodes if n["error"]}
    # Q and N follow from the clock, as the page's slider counts them.
    visits = [0] * len(nodes)
    for kind, node in zip(clock["kinds"], clock["nodes"], strict=True):
        while kind == EVENT_LETTERS[EventKind.REACHED] and node >= 0:
            visits[node] += 1
            node = packed["parents"][node]
    assert visits == [node["visits"] for node in nodes]


def test_a_tree_without_a_clock_keeps_its_final_numbers(run: Run) -> None:
    stored = {**next(run.trees()).tree, "events": []}
    packed = pack_tree(stored)
    assert packed["visits"] == [node["visits"] for node in stored["nodes"]]
    assert "events" not in packed


def test_what_a_problem_opens_to_has_its_samples_and_its_tree(run: Run) -> None:
    part = describe_runs([run])
    details = part.details
    assert len(details) == len(part.data["problems"]) == 4
    column = details[0]["columns"][0]
    record = run.records[0]
    assert [sample[1] for sample in column["samples"]] == [str(s.outcome) for s in record.samples]
    done, sample = column["tree"]["choices"]["mcts"][-1]
    assert (done, sample) == (len(record.samples), record.selected["mcts"].sample)


def describe(*runs: Run) -> dict[str, Any]:
    return describe_runs([_without_trees(run) for run in runs]).data


def _without_trees(run: Run) -> Run:
    return Run(Path("/nowhere"), run.header, run.records, run.seconds)


def test_two_runs_share_the_list_of_problems() -> None:
    data = describe(greedy([C, W, U]), sampled([(C, W), (C, C)]))
    assert [p["id"] for p in data["problems"]] == ["p00", "p01", "p02"]
    assert data["problems"][2]["answers"][1] is None
    assert data["problems"][1]["answers"][1]["chosen"]["majority"] == ["1", "correct", 0]
    assert data["problems"][2]["answers"][0]["chosen"]["greedy"][1] == "unparsed"


def test_columns_and_curves_are_told_apart() -> None:
    data = describe(greedy([C]), greedy([W]), greedy([W], policy="other"))
    names = [column["name"] for column in data["columns"]]
    assert names == ["base greedy (1)", "base greedy (2)", "other greedy"]
    labels = [label for column in data["columns"] for label in column["labels"].values()]
    assert len(set(labels)) == 3


def test_a_failure_of_the_harness_is_said() -> None:
    data = describe(greedy([C, E]))
    assert data["table"]["rows"][0]["counts"]["failures"] == 1


def test_selectors_that_answer_alike_do_not_disagree() -> None:
    data = describe(sampled([(C, C)]))
    assert data["problems"][0]["answers"][0]["disagree"] is False


def test_samples_have_a_curve_over_their_number() -> None:
    data = describe(sampled([(C, W), (C, C)]))
    (chart,) = data["charts"]
    assert chart["x"] == "samples, k"
    oracle = chart["series"][0]
    assert (oracle["name"], oracle["dashed"]) == ("oracle", True)
    assert [point[0] for point in oracle["points"]] == [1, 2, 3, 4]


def test_runs_without_a_problem_are_a_sentence() -> None:
    with pytest.raises(MissingRunError, match="no problem is done in .*; repeat the command"):
        describe(greedy([]))
