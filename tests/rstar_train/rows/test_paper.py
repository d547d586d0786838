"""Rows out of hand-built trees: the best solutions, and what is preferred to what."""

from __future__ import annotations

import pytest

from bench.prompts import OFFICIAL, START
from bench.search import ROOT, NodeKind, Trace
from rstar_train.rows.paper import pair_rows, rewards, sft_rows, solved_share
from rstar_train.rows.row import PairRow
from rstar_train.rows.values import outcome_rows, select_compared, step_rows
from tests.rstar_train.trees import below, rewarded, rollout, tree
from tests.scripted import problem

PROBLEM = problem()


def rated(trace: Trace, *steps: tuple[str, float]) -> None:
    """Add a finished trajectory of its own whose nodes have exactly these Q."""
    node = trace.nodes[ROOT]
    for text, q in steps:
        last = (text, q) == steps[-1]
        node = trace.add(node, 0, text, NodeKind.ANSWER if last else NodeKind.STEP, 1)
        node.q, node.visits = q, 1
    trace.finished.append(node.index)


def pairs_of(trace: Trace, kind: str) -> list[PairRow]:
    return [row for row in pair_rows(PROBLEM, trace) if row.kind == kind]


def sides(rows: list[PairRow]) -> set[tuple[str, str]]:
    return {(row.chosen, row.rejected) for row in rows}


def test_the_two_best_solutions_are_those_of_highest_mean_q_then_of_highest_least_q() -> None:
    trace = tree()
    rated(trace, ("low ", 0.25), ("end", 0.5))
    rated(trace, ("uneven ", 0.25), ("end", 0.75))
    rated(trace, ("even ", 0.5), ("end", 0.5))
    rated(trace, ("best ", 1.0), ("end", 1.0))
    rows = sft_rows(PROBLEM, trace)
    assert [(row.completion, row.mean_q) for row in rows] == [("best end", 1.0), ("even end", 0.5)]


def test_the_prompt_opens_the_code_and_the_completion_goes_on_from_there() -> None:
    trace = tree()
    rollout(trace, "a ", "end", value=1)
    (row,) = sft_rows(PROBLEM, trace)
    assert row.problem_id == PROBLEM.id
    assert row.prompt + row.completion == OFFICIAL.render(PROBLEM.question, START) + "a end"


def test_a_solution_is_taken_once_however_many_trajectories_spell_it() -> None:
    trace = tree()
    rated(trace, ("a ", 1.0), ("end", 1.0))
    rated(trace, ("a", 1.0), (" end", 1.0))
    rated(trace, ("other ", 0.5), ("end", 1.0))
    assert [row.completion for row in sft_rows(PROBLEM, trace)] == ["a end", "other end"]


def test_a_wrong_solution_is_never_imitated_however_good_its_steps_are() -> None:
    trace = tree()
    rated(trace, ("a ", 1.0), ("b ", 1.0), ("wrong", -1.0))
    rated(trace, ("c ", -0.5), ("right", 1.0))
    assert [row.completion for row in sft_rows(PROBLEM, trace)] == ["c right"]


def test_siblings_are_paired_below_the_prefix_that_they_share() -> None:
    trace = tree()
    rollout(trace, "a ", "good ", "3", value=1)
    rollout(trace, "a ", "bad ", "4", value=-1)
    (row,) = pairs_of(trace, "step")
    assert row.prompt == OFFICIAL.render(PROBLEM.question, START + "a ")
    assert (row.chosen, row.rejected, row.weight) == ("good ", "bad ", 1.0)


def test_a_step_that_also_leads_to_a_correct_answer_is_never_rejected() -> None:
    trace = tree()
    rollout(trace, "sure ", "3", value=1)
    for answer in ("4", "5", "6"):
        rollout(trace, "mixed ", answer, value=-1)
    rollout(trace, "mixed ", "3", value=1)
    rollout(trace, "hopeless ", "7", value=-1)
    at_root = {
        (row.chosen, row.rejected)
        for row in pairs_of(trace, "step")
        if row.prompt == OFFICIAL.render(PROBLEM.question, START)
    }
    assert at_root == {("sure ", "hopeless "), ("mixed ", "hopeless ")}


def test_a_step_that_never_reached_an_answer_is_neither_chosen_nor_rejected() -> None:
    trace = tree()
    rollout(trace, "right ", "3", value=1)
    rollout(trace, "wrong ", "4", value=-1)
    rollout(trace, "dead end ", value=-1, finished=False)
    below(trace, trace.nodes[ROOT], "never visited ", NodeKind.STEP)
    assert sides(pairs_of(trace, "step")) == {("right ", "wrong ")}


def test_of_many_siblings_the_two_best_meet_the_two_worst() -> None:
    trace = tree()
    for name, rights, wrongs in (("p1 ", 4, 0), ("p2 ", 3, 1), ("p3 ", 1, 3)):
        for index in range(rights):
            rollout(trace, name, f"right {index}", value=1)
        for index in range(wrongs):
            rollout(trace, name, f"wrong {index}", value=-1)
    for name in ("n1 ", "n2 ", "n3 "):
        rollout(trace, name, "wrong", value=-1)
    at_root = [row for row in pairs_of(trace, "step") if row.chosen.startswith("p")]
    assert sides(at_root) == {(p, n) for p in ("p1 ", "p2 ") for n in ("n1 ", "n2 ")}
    assert [row.weight for row in at_root] == [0.25] * 4


def test_the_pairs_of_a_group_weigh_one_together_and_prefer_the_higher_q() -> None:
    trace = tree()
    rated(trace, ("high ", 0.75), ("3", 1.0))
    rated(trace, ("low ", -0.5), ("3", 1.0))
    rated(trace, ("worst ", -1.0), ("4", -1.0))
    # A PPM's first guess can leave a wrong step above a right one: that pair is no preference.
    rated(trace, ("guessed ", 0.0), ("4", -1.0))
    rows = pairs_of(trace, "step")
    assert sides(rows) == {("high ", "worst "), ("high ", "guessed "), ("low ", "worst ")}
    assert sum(row.weight for row in rows) == pytest.approx(1.0)


def test_whole_solutions_are_paired_right_against_wrong() -> None:
    trace = tree()
    rollout(trace, "a ", "3", value=1)
    for name in ("b ", "c ", "d "):
        rollout(trace, name, "4", value=-1)
    rows = pairs_of(trace, "solution")
    assert len(rows) == 2
    assert {row.chosen for row in rows} == {"a 3"}
    assert {row.rejected for row in rows} < {"b 4", "c 4", "d 4"}
    assert {row.prompt for row in rows} == {OFFICIAL.render(PROBLEM.question, START)}
    assert [row.weight for row in rows] == [0.5, 0.5]


def test_the_solutions_paired_are_the_best_right_ones_and_the_worst_wrong_ones() -> None:
    trace = tree()
    for name, q in (("r1 ", 1.0), ("r2 ", 0.5), ("r3 ", 0.0)):
        rated(trace, (name, q), ("3", 1.0))
    for name, q in (("w1 ", 0.5), ("w2 ", -0.5), ("w3 ", -1.0)):
        rated(trace, (name, q), ("4", -1.0))
    assert sides(pairs_of(trace, "solution")) == {
        (right, wrong) for right in ("r1 3", "r2 3") for wrong in ("w3 4", "w2 4")
    }


@pytest.mark.parametrize("value", [1.0, -1.0])
def test_a_tree_without_both_right_and_wrong_answers_gives_no_pairs(value: float) -> None:
    trace = tree()
    for name in ("a ", "b ", "c "):
        rollout(trace, name, "end", value=value)
    assert pair_rows(PROBLEM, trace) == []
    assert len(sft_rows(PROBLEM, trace)) == (2 if value > 0 else 0)


def test_an_empty_tree_gives_no_rows() -> None:
    assert (sft_rows(PROBLEM, tree()), pair_rows(PROBLEM, tree())) == ([], [])


def test_a_reward_is_read_from_the_clock_where_a_ppm_scored_the_answer() -> None:
    trace = tree()
    # Scored -1 and right: its Q is 0, and yet it is a correct solution.
    rewarded(trace, ("a ", 0.0), ("right", -1.0), reward=1.0)
    rewarded(trace, ("b ", 0.9), ("wrong", 0.9), reward=-1.0)
    rewarded(trace, ("c ", 0.1), ("unread", 0.5), reward=0.0)
    assert [rewards(trace)[index] for index in trace.finished] == [1.0, -1.0, 0.0]
    assert solved_share(trace) == pytest.approx(1 / 3)
    assert [row.completion for row in sft_rows(PROBLEM, trace)] == ["a right"]
    assert sides(pairs_of(trace, "solution")) == {("a right", "b wrong")}


def test_the_best_solutions_of_several_trees_are_taken_together() -> None:
    one, other = tree(), tree(seed=1)
    rated(one, ("first ", 0.2), ("end", 1.0))
    rated(one, ("worst ", 0.1), ("end", 1.0))
    rated(other, ("best ", 0.9), ("end", 1.0))
    rated(other, ("first ", 0.2), ("end", 1.0))
    rows = sft_rows(PROBLEM, one, other)
    assert [row.completion for row in rows] == ["best end", "first end"]


def test_a_pair_knows_its_margin_and_the_sizes_of_its_sides() -> None:
    trace = tree()
    rated(trace, ("high ", 0.75), ("3", 1.0))
    rated(trace, ("worst ", -1.0), ("4", -1.0))
    rated(trace, ("bad ", -0.5), ("4", -1.0))
    rows = {row.rejected: row for row in pairs_of(trace, "step")}
    assert rows["worst "].margin == 1.75
    assert {(row.pos_count, row.neg_count) for row in rows.values()} == {(1, 2)}


def test_outcome_rows_are_the_finished_trajectories_with_what_they_were_worth() -> None:
    trace = tree()
    rollout(trace, "a ", "3", value=1)
    rollout(trace, "a ", "4", value=-1)
    rollout(trace, "b ", "?", value=0)
    rollout(trace, "c ", value=-1, finished=False)
    rows = outcome_rows(PROBLEM, trace)
    assert [(row.completion, row.correct) for row in rows] == [("a 3", True), ("a 4", False)]
    assert {row.prompt for row in rows} == {OFFICIAL.render(PROBLEM.question, START)}


def test_step_rows_are_the_steps_of_finished_trajectories_with_their_q() -> None:
    trace = tree()
    rollout(trace, "a ", "3", value=1)
    rollout(trace, "a ", "4", value=-1)
    rollout(trace, "c ", value=-1, finished=False)
    rows = {row.step: row for row in step_rows(PROBLEM, trace)}
    assert {step: row.q for step, row in rows.items()} == {"a ": 0.0, "3": 1.0, "4": -1.0}
    assert rows["3"].prompt == OFFICIAL.render(PROBLEM.question, START + "a ")


def test_of_outcomes_and_steps_those_are_taken_that_a_pair_compares() -> None:
    trace = tree()
    for step in "345678":
        rollout(trace, "a ", step, value=1 if step == "3" else -1)
    pairs = pair_rows(PROBLEM, trace)
    sides = {row.prompt + side for row in pairs for side in (row.chosen, row.rejected)}
    outcomes, steps = outcome_rows(PROBLEM, trace), step_rows(PROBLEM, trace)
    assert (
        len(outcomes) == 6 > len(select_compared(outcomes, pairs)) > 1
    )  # two wrong ones of a kind
    assert {row.text for row in select_compared(outcomes, pairs)} <= sides
    assert {row.text for row in select_compared(steps, pairs)} == sides & {
        row.text for row in steps
    }
    assert select_compared(outcomes, []) == []
