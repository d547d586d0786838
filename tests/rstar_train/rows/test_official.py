"""The released code's extraction, rule by rule on small trees, and on its own recorded output."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError
from bench.prompts import OFFICIAL
from bench.search.official.trees import TOO_MANY_CODE_ERRORS, TOO_MANY_STEPS
from rstar_train.cli import main
from rstar_train.official.replay import replay
from rstar_train.rows.official import correct_trajectories, pairs, passes, solutions, trajectories
from rstar_train.rows.official_trees import (
    OfficialTree,
    read_tree,
)

GOLDEN = Path(__file__).resolve().parents[4] / "shared" / "golden"
NODES = dict[str, tuple[str, float] | tuple[str, float, str]]


def tree_of(nodes: NODES, answer: str = "3") -> OfficialTree:
    """A tree by tag: text, Q, and the answer of an end. The root is there unasked."""
    rows = {
        tag: {"text": node[0], "q_value": node[1], "final_answer": "".join(node[2:])}
        for tag, node in nodes.items()
    }
    rows["0"] = {"text": "", "q_value": 0.0, "final_answer": ""}
    return read_tree({"question": "Q", "answer": answer, "rstar": rows}, "here")


def sides(tree: OfficialTree) -> list[tuple[str, str, int, int]]:
    return [(p.chosen, p.rejected, p.pos_count, p.neg_count) for p in pairs(tree)]


def test_solutions_rank_by_mean_q_and_then_by_the_least() -> None:
    tree = tree_of(
        {
            "0.1": ("uneven", 0.0),
            "0.1.1": ("!", 1.0, "3"),
            "0.2": ("even", 0.5),
            "0.2.1": ("!", 0.5, "3"),
            "0.3": ("best", 0.5),
            "0.3.1": ("!", 1.0, "3"),
        }
    )
    assert [(s.text, s.mean_q, s.min_q) for s in solutions(tree)] == [
        ("best!", 0.75, 0.5),
        ("even!", 0.5, 0.5),
    ]


def test_of_the_two_best_those_with_an_error_are_dropped_and_not_replaced() -> None:
    tree = tree_of(
        {
            "0.1": ("an Error", 1.0, "3"),
            "0.2": ("fine", 0.9, "3"),
            "0.3": ("also fine", 0.8, "3"),
        }
    )
    assert [s.text for s in solutions(tree)] == ["fine"]


def test_an_answer_is_right_by_the_checker_and_dead_ends_are_none() -> None:
    tree = tree_of(
        {
            "0.1": ("a", 1.0, "3.0"),
            "0.2": ("b", -1.0, "4"),
            "0.3": ("c", -1.0, TOO_MANY_CODE_ERRORS),
            "0.4": ("d", -1.0, TOO_MANY_STEPS),
            "0.5": ("e", 0.0),
        }
    )
    assert [node.text for node in trajectories(tree)] == ["a", "b", "c"]
    assert [node.text for node in correct_trajectories(tree)] == ["a"]
    assert sides(tree) == [("a", "b", 1, 1)]


def test_a_tree_without_an_answer_has_no_trajectories() -> None:
    assert trajectories(tree_of({"0.1": ("c", -1.0, TOO_MANY_CODE_ERRORS)})) == []


def test_one_candidate_meets_up_to_four_of_the_other_side() -> None:
    tree = tree_of(
        {"0.1": ("good", 1.0, "3"), **{f"0.{i}": (f"bad{i}", -1.0, "4") for i in range(2, 8)}}
    )
    assert sides(tree) == [("good", f"bad{i}", 1, 4) for i in range(2, 6)]
    tree = tree_of(
        {"0.9": ("bad", -1.0, "4"), **{f"0.{i}": (f"good{i}", 1.0, "3") for i in range(1, 7)}}
    )
    assert sides(tree) == [(f"good{i}", "bad", 4, 1) for i in range(1, 5)]


def test_a_child_may_be_on_both_sides_and_lower_q_is_never_chosen() -> None:
    tree = tree_of(
        {
            "0.1": ("mixed", 0.2),
            "0.1.1": ("right", 1.0, "3"),
            "0.1.2": ("wrong", -1.0, "4"),
            "0.2": ("mostly wrong", -0.5),
            "0.2.1": ("wrong", -1.0, "4"),
            "0.2.2": ("right", 1.0, "3"),
        }
    )
    assert sides(tree) == [
        ("mixed", "mostly wrong", 2, 2),
        ("right", "wrong", 1, 1),
        ("right", "wrong", 1, 1),
    ]


def test_a_pair_needs_the_better_completion_too() -> None:
    tree = tree_of(
        {
            "0.1": ("promising", 0.1),
            "0.1.1": ("then bad", -0.9),
            "0.1.1.1": ("right", 1.0, "3"),
            "0.2": ("hopeless", 0.0),
            "0.2.1": ("then good", 0.9),
            "0.2.1.1": ("wrong", -1.0, "4"),
        }
    )
    (pair,) = pairs(tree)
    assert pair.completion_margin == pytest.approx((0.1 - 0.9 + 1) / 3 - (0.0 + 0.9 - 1) / 3)
    worse = tree_of(
        {
            "0.1": ("promising", 0.1),
            "0.1.1": ("then bad", -1.3),
            "0.1.1.1": ("right", 1.0, "3"),
            "0.2": ("hopeless", 0.0),
            "0.2.1": ("then good", 0.9),
            "0.2.1.1": ("wrong", -1.0, "4"),
        }
    )
    assert pairs(worse) == []


def test_pairs_come_breadth_first_through_mixed_nodes_with_their_prefix() -> None:
    tree = tree_of(
        {
            "0.1": ("A", 0.0),
            "0.1.1": ("x", 1.0, "3"),
            "0.1.2": ("y", -1.0, "4"),
            "0.2": ("B", -1.0, "4"),
        }
    )
    prefixes = [pair.prefix.removeprefix(OFFICIAL.render("Q")) for pair in pairs(tree)]
    assert prefixes == ["", "A"]


def edit_distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        fresh = [i]
        for j, y in enumerate(b, 1):
            fresh.append(min(row[j] + 1, fresh[-1] + 1, row[j - 1] + (x != y)))
        row = fresh
    return row[-1]


def test_the_filter_drops_small_margins_and_close_texts() -> None:
    rng = random.Random(3)
    for _ in range(300):
        a, b = ("".join(rng.choices("abc", k=rng.randint(0, 40))) for _ in range(2))
        assert passes(a, b, 0.5) == (edit_distance(a, b) >= 20)
    assert passes("a" * 20, "", 0.5)
    assert not passes("a" * 20, "", 0.49)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "expected a search result with 'question'"),
        ({"question": "Q", "rstar": {"0.1": {}}}, "has a root '0'"),
        ({"question": "Q", "rstar": {"0": {"text": ""}}}, "node '0' is damaged.*q_value"),
        ({"question": "Q", "rstar": {"0": 3}}, "node '0' is damaged"),
        (
            {"question": "Q", "rstar": {"0": {"text": "", "q_value": 0}, "0.1.1": {}}},
            "node '0.1.1' has no parent",
        ),
        ({"question": "Q", "rstar": {"0": {}, "x": {}}}, "'x' is no tag of a node"),
    ],
)
def test_a_damaged_result_is_named(data: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_tree(data, "file, line 3")


needs_golden = pytest.mark.skipif(not GOLDEN.is_dir(), reason="no ../shared/golden")


@needs_golden
@pytest.mark.parametrize("mode", ["train_ppm", "train_terminal"])
def test_replay_is_identical_to_what_the_released_code_extracted(
    mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trees, rows = (GOLDEN / f"official_{kind}_{mode}.jsonl" for kind in ("search", "extract"))
    assert main(["replay", "--trees", str(trees), "--expected", str(rows)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "identical 12 of 12"


def written(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_replay_explains_every_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = {"text": "", "q_value": 0.0, "final_answer": ""}
    right = {"text": "yes", "q_value": 1.0, "final_answer": "3"}
    trees = written(
        tmp_path / "t.jsonl",
        {"id": "one", "question": "Q", "answer": "3", "tree": {"0": node, "0.1": right}},
        {"id": "two", "question": "Q", "answer": "3", "tree": {"0": node, "0.1": right}},
    )
    sft = [{"response": "yes", "mean_q": 1.0, "min_q": 1.0}]
    expected = written(
        tmp_path / "e.jsonl",
        {"id": "one", "sft": sft, "pairs": [], "trajectories": 1},
        {"id": "two", "sft": [{**sft[0], "min_q": 0.5}], "trajectories": 2},
    )
    assert [len(each.differences) for each in replay(trees, expected)] == [0, 2]
    assert main(["replay", "--trees", str(trees), "--expected", str(expected)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "two: trajectories: 1 found, 2 expected",
        "two: sft[0].min_q: 1.0 found, 0.5 expected",
        "identical 1 of 2",
    ]


def test_replay_names_what_it_cannot_compare(tmp_path: Path) -> None:
    trees = written(tmp_path / "t.jsonl", {"id": "one"})
    for content, message in (
        ({"id": "other", "sft": []}, "line 1: no tree of 'other'"),
        ({"id": "one"}, "line 1: expected some of trajectories"),
        ({"sft": []}, "line 1: expected an object with an 'id'"),
    ):
        with pytest.raises(DataError, match=message):
            replay(trees, written(tmp_path / "e.jsonl", content))
    (tmp_path / "e.jsonl").write_text("{")
    with pytest.raises(DataError, match="line 1: not valid JSON"):
        replay(trees, tmp_path / "e.jsonl")
    with pytest.raises(DataError, match="cannot read"):
        replay(trees, tmp_path / "none.jsonl")
