"""MCTS: UCT's numbers, what is kept and discarded, backup, and that nothing depends on timing."""

from __future__ import annotations

import asyncio

import pytest

from bench.errors import BenchError
from bench.sandbox import Sandbox
from bench.search import MCTS, ROOT, Node, NodeKind, Trace, list_finished, mcts, select_best
from bench.search.mcts import select, uct
from bench.search.tree import backup, new_trace
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

START = "<code>"
SMALL = MCTS(rollouts=4, candidates=2, max_depth=6)


def step(code: str) -> str:
    return f"\n{code}\n<end_of_step>"


def two_branches(partial: str, index: int) -> str:
    """Two ways to add: a right one and a wrong one, each leading straight to its answer."""
    if partial == START:
        return step("x = 1 + 2") if index == 0 else step("x = 1 - 2")
    if "<end_of_output>" in partial:
        printed = partial.split("<output>")[1].split("<end_of_output>")[0]
        return f"<answer>\\boxed{{{printed}}}<end_of_answer>"
    return "\nprint(x)\n<end_of_code>"


async def right_is_three(trace: Trace, end: Node) -> float:
    return 1.0 if end.answer == "3" else -1.0


def test_uct_is_the_papers_worked_example() -> None:
    parent = Node(0, None, "0", 0, "", NodeKind.ROOT, visits=10)
    child = Node(1, 0, "0.0", 1, "", NodeKind.STEP, q=2.0, visits=4)
    assert uct(child, parent, 2.0) == pytest.approx(2.017, abs=5e-4)


def test_an_unvisited_child_comes_first_and_ties_go_to_the_first() -> None:
    trace = new_trace("p", "mcts", 0, START)
    root = trace.nodes[ROOT]
    visited = trace.add(root, 0, "a", NodeKind.STEP, 1)
    visited.q, visited.visits, root.visits = 5.0, 5, 5
    fresh = trace.add(root, 1, "b", NodeKind.STEP, 1)
    trace.add(root, 2, "c", NodeKind.STEP, 1)
    assert select(trace, root, 2.0) is fresh


def test_backup_adds_the_value_to_every_node_of_the_path() -> None:
    trace = new_trace("p", "mcts", 0, START)
    first = trace.add(trace.nodes[ROOT], 0, "a", NodeKind.STEP, 1)
    aside = trace.add(trace.nodes[ROOT], 1, "b", NodeKind.STEP, 1)
    end = trace.add(first, 0, "c", NodeKind.ANSWER, 1)
    for value in (1.0, 1.0, -1.0):
        backup(trace, end, value)
    assert [(n.q, n.visits) for n in (trace.nodes[ROOT], first, end)] == [(1.0, 3)] * 3
    assert (aside.q, aside.visits) == (0.0, 0)


@pytest.mark.asyncio(loop_scope="package")
async def test_terminal_guided_search_separates_right_from_wrong(sandbox: Sandbox) -> None:
    trace = await mcts(
        problem(),
        ScriptedPolicy(two_branches),
        sandbox,
        config=SMALL,
        seed=1,
        reward=right_is_three,
    )
    assert [trace.nodes[i].answer for i in trace.finished] == ["3", "-1"]
    right, wrong = (trace.nodes[i] for i in trace.nodes[ROOT].children)
    assert (right.mean, wrong.mean) == (1.0, -1.0)
    assert trace.nodes[ROOT].visits == 2


@pytest.mark.asyncio(loop_scope="package")
async def test_a_search_stops_when_nothing_is_left_to_visit(sandbox: Sandbox) -> None:
    config = MCTS(rollouts=50, candidates=2)
    trace = await mcts(
        problem(),
        ScriptedPolicy(two_branches),
        sandbox,
        config=config,
        seed=1,
        reward=right_is_three,
    )
    assert len(trace.rollouts) == 2
    assert trace.nodes[ROOT].exhausted


@pytest.mark.asyncio(loop_scope="package")
async def test_code_that_fails_is_kept_in_the_trace_and_out_of_the_tree(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy({START: [step("x = undefined"), step("1 / 0")]})
    trace = await mcts(problem(), policy, sandbox, config=SMALL, seed=1, reward=right_is_three)
    failed = trace.nodes[1:]
    assert [n.kind for n in failed] == [NodeKind.FAILED_CODE] * 2
    assert "NameError" in failed[0].error
    assert "ZeroDivisionError" in failed[1].error
    assert trace.nodes[ROOT].children == []
    assert trace.finished == []


@pytest.mark.asyncio(loop_scope="package")
async def test_a_program_that_prints_the_word_error_has_not_failed(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy({START: ["\nprint('error')\n<end_of_code>"]})
    config = MCTS(rollouts=1, candidates=1, max_depth=1)
    trace = await mcts(problem(), policy, sandbox, config=config, seed=1, reward=right_is_three)
    assert trace.nodes[1].kind is NodeKind.CODE_END
    assert trace.nodes[1].text.endswith("<output>error<end_of_output>\n")


@pytest.mark.asyncio(loop_scope="package")
async def test_a_dead_end_counts_as_a_wrong_answer_so_the_search_turns_elsewhere(
    sandbox: Sandbox,
) -> None:
    def script(partial: str, index: int) -> str:
        if partial == START:
            return step("x = 3") if index else step("# nothing can follow")
        return step("1 / 0") if "# nothing" in partial else two_branches(partial, index)

    config = MCTS(rollouts=2, candidates=2)
    trace = await mcts(
        problem(), ScriptedPolicy(script), sandbox, config=config, seed=1, reward=right_is_three
    )
    dead, alive = (trace.nodes[i] for i in trace.nodes[ROOT].children)
    assert (dead.mean, dead.exhausted) == (-1.0, True)
    assert (alive.mean, [trace.nodes[i].answer for i in trace.finished]) == (1.0, ["3"])


@pytest.mark.asyncio(loop_scope="package")
async def test_equal_candidates_are_one_child(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy({START: [step("x = 3")], START + step("x = 3"): ["no tag"]})
    trace = await mcts(problem(), policy, sandbox, config=SMALL, seed=1, reward=right_is_three)
    assert [n.kind for n in trace.nodes[1:3]] == [NodeKind.STEP, NodeKind.DUPLICATE]
    assert trace.nodes[3].kind is NodeKind.CUT


@pytest.mark.asyncio(loop_scope="package")
async def test_a_child_sees_its_parents_variables_and_not_its_siblings(sandbox: Sandbox) -> None:
    def script(partial: str, index: int) -> str:
        if partial == START:
            return step(f"v{index} = {index}")
        return f"\nprint('v0' in globals(), 'v1' in globals())\n# {index}\n<end_of_code>"

    config = MCTS(rollouts=2, candidates=2, max_depth=2)
    trace = await mcts(
        problem(), ScriptedPolicy(script), sandbox, config=config, seed=1, reward=right_is_three
    )
    ends = [n for n in trace.nodes if n.kind is NodeKind.CODE_END]
    shown = {n.path[:3]: n.text.split("<output>")[1].split("<")[0] for n in ends}
    assert shown == {"0.0": "True False", "0.1": "False True"}


@pytest.mark.asyncio(loop_scope="package")
async def test_ppm_scores_decide_where_the_first_rollout_goes(sandbox: Sandbox) -> None:
    scorer = ScriptedScorer({"1 - 2": 0.9, "1 + 2": -0.5, "boxed{-1}": 0.8, "boxed{3}": -0.9})
    config = MCTS(rollouts=1, candidates=2)
    trace = await mcts(
        problem(), ScriptedPolicy(two_branches), sandbox, config=config, seed=1, scorer=scorer
    )
    assert [trace.nodes[i].answer for i in trace.finished] == ["-1"]
    wrong = trace.nodes[trace.lineage(trace.finished[0])[0].index]
    assert wrong.value == 0.9
    assert (wrong.q, wrong.visits) == (pytest.approx(0.9 + 0.8), 2)


@pytest.mark.asyncio(loop_scope="package")
async def test_at_test_time_the_best_scored_answer_is_chosen(sandbox: Sandbox) -> None:
    scorer = ScriptedScorer({"boxed{3}": 0.7, "boxed{-1}": 0.2})
    trace = await mcts(
        problem(), ScriptedPolicy(two_branches), sandbox, config=SMALL, seed=1, scorer=scorer
    )
    options = list_finished(trace)
    choice = select_best(options)
    assert choice is not None
    assert options[choice].answer == "3"


@pytest.mark.asyncio(loop_scope="package")
async def test_with_neither_ppm_nor_reward_the_error_says_what_to_pass(sandbox: Sandbox) -> None:
    with pytest.raises(BenchError, match="--ppm"):
        await mcts(problem(), ScriptedPolicy(two_branches), sandbox, config=SMALL, seed=1)


@pytest.mark.asyncio(loop_scope="package")
async def test_a_trace_does_not_depend_on_what_runs_beside_it(sandbox: Sandbox) -> None:
    async def one(name: str) -> dict[str, object]:
        trace = await mcts(
            problem(name=name),
            ScriptedPolicy(two_branches),
            sandbox,
            config=SMALL,
            seed=7,
            reward=right_is_three,
        )
        return trace.to_json()

    alone = await one("p1")
    together = await asyncio.gather(*(one(f"p{i}") for i in range(8)))
    assert together[1] == alone


@pytest.mark.asyncio(loop_scope="package")
async def test_seeds_differ_by_problem_path_and_run(sandbox: Sandbox) -> None:
    seeds: list[int] = []
    for name, seed in (("a", 1), ("b", 1), ("a", 2)):
        policy = ScriptedPolicy(two_branches)
        await mcts(
            problem(name=name), policy, sandbox, config=SMALL, seed=seed, reward=right_is_three
        )
        seeds += policy.seeds
    assert len(seeds) == len(set(seeds)) == 15


@pytest.mark.asyncio(loop_scope="package")
async def test_the_search_never_sees_the_reference_answer(sandbox: Sandbox) -> None:
    traces = [
        await mcts(
            problem(answer=gold),
            ScriptedPolicy(two_branches),
            sandbox,
            config=SMALL,
            seed=1,
            scorer=ScriptedScorer({}),
        )
        for gold in ("3", "-1")
    ]
    assert traces[0].to_json() == traces[1].to_json()


@pytest.mark.asyncio(loop_scope="package")
async def test_a_trace_survives_its_json(sandbox: Sandbox) -> None:
    trace = await mcts(
        problem(),
        ScriptedPolicy(two_branches),
        sandbox,
        config=SMALL,
        seed=1,
        reward=right_is_three,
    )
    assert Trace.from_json(trace.to_json()) == trace
