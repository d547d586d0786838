"""Pairs, solutions and values out of a tree over plans whose q is worked by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.prompts.plans import PLANS, START_OF_PLAN
from bench.runs.record import Record, Tokens
from bench.runs.writer import RunDir
from bench.search import ROOT, EventKind, Node, NodeKind, Trace
from bench.search.tree import new_trace
from rstar_train.recipes.cpl import PlanPairSettings, PlanRowSettings
from rstar_train.rows import plan_pairs, plan_trees
from rstar_train.rows.plan_pairs import TreeOutcome, instance_rows, make_pairs, pair_rows
from rstar_train.rows.plan_trees import make_rows, sft_rows, value_rows
from rstar_train.rows.preferences import PreferenceRow
from rstar_train.rows.row import SFTRow, StepRow, read_rows
from tests.scripted import problem

P = problem()
CODE = PlanPairSettings()


def step(number: int, words: str) -> str:
    return f"\n<step>Plan {number}: {words}</step>"


def solve(code: str, printed: str = "") -> str:
    shown = f"\n<output>{printed}<end_of_output>\n" if printed else ""
    return f"\n</plan>\n<solution>\n<code>\n{code}\n</solution>{shown}"


def add(trace: Trace, parent: Node, text: str, kind: NodeKind = NodeKind.STEP) -> Node:
    siblings = sum(node.parent == parent.index for node in trace.nodes)
    return trace.add(parent, siblings, text, kind, 4, logprob=-1.0)


def end(
    trace: Trace, parent: Node, text: str, value: float, kind: NodeKind = NodeKind.ANSWER
) -> Node:
    node = add(trace, parent, text, kind)
    trace.record(EventKind.REACHED, node, value)
    trace.record(EventKind.ROLLOUT, node)
    return node


def grown() -> Trace:
    """A tree of five steps and seven ends; q of a step is its ends' sum over its visits."""
    trace = new_trace(P.id, "cpl", 3, START_OF_PLAN)
    root = trace.nodes[ROOT]
    good = add(trace, root, step(1, "good"))
    fair = add(trace, root, step(1, "fair"))
    bad = add(trace, root, step(1, "bad"))
    add(trace, root, step(1, "never visited"))
    end(trace, root, "\n<step>3: what</step>", -1, NodeKind.MALFORMED)
    end(trace, good, solve("print(3)", "3"), 1)
    end(trace, good, solve("print(4)", "4"), -1)
    end(trace, good, solve("print(3 )", "3"), 1)
    second = add(trace, fair, step(2, "on"))
    end(trace, second, solve("print(3)", "3"), 1)
    end(trace, second, solve("boom"), -1, NodeKind.FAILED_CODE)
    end(trace, second, solve("print(03)", "3"), 1)
    end(trace, bad, solve("print(5)", "5"), -1)
    return trace


def sides(rows: list[PreferenceRow]) -> list[tuple[str, str, str]]:
    return [(row.kind, row.chosen, row.rejected) for row in rows]


def test_steps_of_both_signs_are_paired_and_solutions_best_with_worst() -> None:
    trace = grown()
    found = pair_rows(P, trace, CODE)
    assert (found.outcome, found.filtered) == (TreeOutcome.PAIRS, 0)
    assert sides(found.rows) == [
        ("step", step(1, "good"), step(1, "bad")),
        ("step", step(1, "fair"), step(1, "bad")),
        ("solution", solve("print(3)"), solve("print(4)")),
        ("solution", solve("print(3)"), solve("boom")),
    ]
    good, _, first, second = found.rows
    # good: (1 - 1 + 1) / 3 = 1/3; bad: -1.
    assert (good.q_chosen, good.q_rejected) == (pytest.approx(1 / 3), -1)
    assert good.margin == pytest.approx(4 / 3)
    assert (first.q_chosen, first.q_rejected, first.margin) == (1, -1, pytest.approx(0.6))
    assert first.initial_reason_steps == step(1, "good")
    assert second.initial_reason_steps == step(1, "fair") + step(2, "on")
    assert first.rendered == PLANS.render(P.question, START_OF_PLAN + step(1, "good"))
    assert good.full_chosen == step(1, "good") + solve("print(3)")
    assert good.full_rejected == step(1, "bad") + solve("print(5)")


def test_a_margin_below_the_threshold_is_left_out_and_counted() -> None:
    found = pair_rows(P, grown(), PlanPairSettings(min_margin=1.5))
    assert ([row.kind for row in found.rows], found.filtered) == (["solution", "solution"], 2)
    none = pair_rows(P, grown(), PlanPairSettings(min_margin=3.0))
    assert (none.outcome, none.rows, none.filtered) == (TreeOutcome.NOT_CRITICAL, [], 4)


def test_a_verified_pair_changes_the_outcome() -> None:
    trace = grown()
    kept = pair_rows(P, trace, PlanPairSettings(verified=True))
    assert len(kept.rows) == 4  # below bad all is wrong
    bad = next(node for node in trace.nodes if node.text == step(1, "bad"))
    end(trace, bad, solve("print(3)  # by luck", "3"), 1)
    end(trace, bad, solve("print(6)", "6"), -1)
    kept = pair_rows(P, trace, PlanPairSettings(verified=True))
    assert [row.kind for row in kept.rows] == ["solution"] * 2 + ["solution"]
    assert kept.filtered == 2  # bad is still below 0, and a right solution was found below it


def test_a_step_whose_worth_only_a_model_says_is_not_verified() -> None:
    trace = grown()
    root = trace.nodes[ROOT]
    judged = add(trace, root, step(1, "judged by the value model"))
    trace.record(EventKind.REACHED, judged, -0.5)
    plain, verified = (
        [row.rejected for row in pair_rows(P, trace, settings).rows]
        for settings in (CODE, PlanPairSettings(verified=True))
    )
    assert judged.text in plain and judged.text not in verified


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        ((1, 1), TreeOutcome.ONLY_RIGHT),
        ((-1, -1), TreeOutcome.ONLY_WRONG),
        ((0, 0), TreeOutcome.UNDECIDED),
        ((), TreeOutcome.UNDECIDED),
        ((1, -1), TreeOutcome.APART),
    ],
)
def test_a_tree_without_pairs_says_why(ends: tuple[int, ...], outcome: TreeOutcome) -> None:
    trace = new_trace(P.id, "cpl", 3, START_OF_PLAN)
    for at, value in enumerate(ends):
        # A solution beside a step: right and wrong ones, and nothing of a kind to compare.
        parent = trace.nodes[ROOT] if at else add(trace, trace.nodes[ROOT], step(1, "a"))
        end(trace, parent, solve(f"print({at})", f"{at}"), value)
    assert pair_rows(P, trace, CODE) == plan_pairs.TreePairs(outcome, [])


def test_instances_are_whole_responses_as_many_as_pairs_and_never_twice() -> None:
    trace = grown()
    rows = instance_rows(P, trace, 4, seed=1)
    assert len({(row.chosen, row.rejected) for row in rows}) == 4
    assert rows == instance_rows(P, trace, 4, seed=1) != instance_rows(P, trace, 4, seed=2)
    assert len(instance_rows(P, trace, 99, seed=1)) == 4 * 3
    assert all((row.initial_reason_steps, row.margin) == ("", 2) for row in rows)
    assert {row.rejected for row in instance_rows(P, trace, 99, seed=1)} == {
        step(1, "good") + solve("print(4)"),
        step(1, "fair") + step(2, "on") + solve("boom"),
        step(1, "bad") + solve("print(5)"),
    }


def test_right_paths_are_imitated_without_the_output_of_their_programs() -> None:
    rows = sft_rows(P, [grown()], PlanRowSettings(per_question=9), seed=1)
    on = step(1, "fair") + step(2, "on")
    assert {row.completion for row in rows} == {
        step(1, "good") + solve("print(3)"),
        step(1, "good") + solve("print(3 )"),
        on + solve("print(3)"),
        on + solve("print(03)"),
    }
    assert {row.prompt for row in rows} == {PLANS.render(P.question, START_OF_PLAN)}
    drawn = sft_rows(P, [grown(), grown()], PlanRowSettings(per_question=2), seed=1)
    assert len({row.completion for row in drawn}) == 2
    assert drawn == sft_rows(P, [grown()], PlanRowSettings(per_question=2), seed=1)


def test_values_are_q_of_the_paths_to_solutions_weighted_by_the_paths() -> None:
    rows = {(row.prompt, row.step): row for row in value_rows(P, grown())}
    assert len(rows) == 4 + 7  # not the step that was never visited, nor what is malformed
    first = PLANS.render(P.question, START_OF_PLAN)
    good, fair = rows[first, step(1, "good")], rows[first, step(1, "fair")]
    assert (good.q, good.weight) == (pytest.approx(1 / 3), 3)
    assert (fair.q, fair.weight) == (pytest.approx(1 / 3), 3)
    last = rows[first + step(1, "good"), solve("print(4)", "4")]
    assert (last.q, last.weight) == (-1, 1)
    assert sum(row.weight or 0 for row in rows.values()) == 3 * 2 + 3 * 3 + 2


def stored(folder: Path, *traces: Trace) -> Path:
    with RunDir.open(folder, {"config": {"search": "cpl"}}) as run:
        for index, trace in enumerate(traces):
            record = Record(trace.problem_id, trace.seed, "b", "3", "cpl", (), {}, Tokens(), 0)
            run.append(record, trace.to_json(), {"total": 1.0}, index)
    return folder


def test_files_of_a_round_are_read_back_as_rows(tmp_path: Path) -> None:
    trees = stored(tmp_path / "trees", grown())
    out = tmp_path / "rows"
    made = make_rows([P], trees, PlanRowSettings(), out, seed=1)
    assert (made.sft_rows, made.values, made.problems_with_solutions) == (4, 11, 1)
    assert len(read_rows(SFTRow, out / plan_trees.SFT)) == 4
    assert len(read_rows(StepRow, out / plan_trees.VALUES)) == 11
    pairs = make_pairs([P], trees, CODE, out, seed=1)
    assert (pairs.step_pairs, pairs.solution_pairs, pairs.instance_pairs) == (2, 2, 4)
    assert pairs.outcomes == {"pairs": 1}
    assert (pairs.mean_step_margin, pairs.mean_solution_margin) == (1.3333, 0.6)
    assert read_rows(PreferenceRow, out / "pairs.jsonl") == pair_rows(P, grown(), CODE).rows


def test_a_question_that_is_not_solved_again_keeps_the_earlier_paths(tmp_path: Path) -> None:
    make_rows([P], stored(tmp_path / "one", grown()), PlanRowSettings(), tmp_path / "first", seed=1)
    unsolved = new_trace(P.id, "cpl", 3, START_OF_PLAN)
    end(unsolved, unsolved.nodes[ROOT], solve("print(9)", "9"), -1)
    trees = stored(tmp_path / "two", unsolved)
    for carry, count in ((True, 4), (False, 0)):
        settings = PlanRowSettings(carry_over=carry)
        made = make_rows([P], trees, settings, tmp_path / "second", tmp_path / "first", seed=1)
        assert (made.sft_rows, made.dropped["problems unsolved"]) == (count, int(not carry))


def test_a_question_that_is_not_searched_again_counts_as_left_out_without_paths_only(
    tmp_path: Path,
) -> None:
    first = stored(tmp_path / "one", grown())
    again = stored(tmp_path / "two", new_trace("another", "cpl", 3, START_OF_PLAN))
    make_rows([P], first, PlanRowSettings(), tmp_path / "first", seed=1)
    for carry in (True, False):
        settings = PlanRowSettings(carry_over=carry)
        made = make_rows([P], again, settings, tmp_path / "second", tmp_path / "first", seed=1)
        assert made.dropped == {"problems not searched": int(not carry), "problems unsolved": 0}


def test_no_pair_in_any_tree_is_one_sentence(tmp_path: Path) -> None:
    trace = new_trace(P.id, "cpl", 3, START_OF_PLAN)
    end(trace, trace.nodes[ROOT], solve("print(3)", "3"), 1)
    with pytest.raises(BenchError, match=r"none of the 1 trees .* \(only right steps .*: 1\)"):
        make_pairs([P], stored(tmp_path / "trees", trace), CODE, tmp_path / "rows", seed=1)
