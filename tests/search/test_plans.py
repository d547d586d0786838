"""CPL's tree: golden ones worked by hand, what ends a plan, and that nothing depends on timing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from bench.engines.base import StepScorer
from bench.errors import BenchError
from bench.sandbox import Sandbox
from bench.search import (
    CPL,
    ROOT,
    CPLSolution,
    EventKind,
    Node,
    NodeKind,
    Trace,
    cut_to_rollouts,
    find_affordable,
    list_finished,
    plan_mcts,
    select_best,
    solution_mcts,
)
from bench.search.plans.mcts import puct
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem
from tests.search.planners import START, Inventor, Planner, program, solve, step
from tests.search.recording import RecordedScorer

pytestmark = pytest.mark.asyncio(loop_scope="package")

TEXT = CPL(solutions="text")
A, B, A2 = step(1, "add"), step(1, "subtract"), step(2, "check")
SKIPPED = step(4, "skip ahead")

SCRIPT = {
    START: [(A, 0.6), (B, 0.3)],
    START + A: [(solve("3"), 0.5), (solve("4"), 0.5), (A2, 0.5)],
    START + B: [(solve("5"), 0.5), (solve("6"), 0.5), (solve("7"), 0.5)],
    START + A + A2: [(solve("3"), 0.9), (SKIPPED, 0.5)],
}


async def right_is_three(trace: Trace, end: Node) -> float:
    return 1.0 if end.answer == "3" else -1.0


async def search(
    sandbox: Sandbox,
    script: Mapping[str, Sequence[tuple[str, float]]] = SCRIPT,
    config: CPL = TEXT,
    *,
    seed: int = 0,
    scorer: StepScorer | None = None,
    rewarded: bool = True,
) -> Trace:
    return await plan_mcts(
        problem(),
        Planner(script),
        sandbox,
        config=config,
        seed=seed,
        scorer=scorer,
        reward=right_is_three if rewarded else None,
    )


def statistics(trace: Trace) -> dict[str, tuple[float, int]]:
    """q and N by path; repetitions left out."""
    return {
        node.path: (pytest.approx(node.q), node.visits)
        for node in trace.nodes
        if node.kind is not NodeKind.DUPLICATE
    }


async def test_the_tree_of_a_rewarded_search_is_the_one_worked_by_hand(sandbox: Sandbox) -> None:
    """Four iterations, c 1.5, no value model: a node that gets children is scored 0.

    1. The root: q 0, N 1. Five candidates, of which three repeat A and B.
    2. A: 0 + 1.5 * 0.6 * sqrt(1) / 1 = 0.9; B: 0.45. A gets children: 0, then +1 and -1.
       A: q 0, N 3; root: q 0, N 4.
    3. A: 0 + 1.5 * 0.6 * sqrt(4) / 4 = 0.45; B: 1.5 * 0.3 * 2 = 0.9. B gets children: 0, then three
       times -1, and is closed. B: q -3, N 4; root: q -3, N 8.
    4. Only A is open, and below it only A2, which gets children: 0, then +1, then -1 for the
       malformed one; the third repeats the first. A2: q 0, N 3; A: q 0, N 6; root: q -3, N 11.
       Nothing is left.
    """
    trace = await search(sandbox)
    assert statistics(trace) == {
        "0": (-3, 11),
        "0.0": (0, 6),
        "0.1": (-3, 4),
        "0.0.0": (1, 1),
        "0.0.1": (-1, 1),
        "0.0.2": (0, 3),
        "0.1.0": (-1, 1),
        "0.1.1": (-1, 1),
        "0.1.2": (-1, 1),
        "0.0.2.0": (1, 1),
        "0.0.2.1": (-1, 1),
    }
    order = [trace.nodes[event.node].path for event in trace.events if event.kind == "expanded"]
    assert order == ["0", "0.0", "0.1", "0.0.2"]
    kinds = [node.kind for node in trace.nodes if node.depth == 1]
    assert kinds == [NodeKind.STEP] * 2 + [NodeKind.DUPLICATE] * 3
    assert trace.nodes[ROOT].exhausted
    assert [trace.nodes[index].answer for index in trace.finished] == ["3", "4", "5", "6", "7", "3"]


async def test_the_tree_of_an_evaluation_is_the_one_worked_by_hand(sandbox: Sandbox) -> None:
    """Three iterations with a value model and no reward.

    1. The root: 0.
    2. A, by its prior: its value 0.5, then 0.8 and -0.6 of its solutions. A: q 0.7, N 3; root: N 4.
    3. A: 0.7 / 3 + 0.45 = 0.68; B: 0.9. B: its value -0.2, then 0.1, 0.2 and 0.3.
    """
    values = {"add": 0.5, "{3}": 0.8, "{4}": -0.6, "subtract": -0.2}
    values |= {"{5}": 0.1, "{6}": 0.2, "{7}": 0.3}
    trace = await search(
        sandbox,
        config=replace(TEXT, iterations=3),
        scorer=ScriptedScorer(values),
        rewarded=False,
    )
    found = statistics(trace)
    assert (found["0"], found["0.0"], found["0.1"]) == ((1.1, 8), (0.7, 3), (0.4, 4))
    assert found["0.0.2"] == (0, 0)  # not given children, so not scored
    unscored = [node.path for node in trace.nodes if node.value is None and node.kind.is_valid]
    assert unscored == ["0", "0.0.2"]
    choice = select_best(list_finished(trace))
    assert choice is not None
    assert trace.nodes[trace.finished[choice]].answer == "3"


async def test_in_training_a_value_model_scores_steps_and_the_reward_ends(
    sandbox: Sandbox,
) -> None:
    config = replace(TEXT, iterations=2)
    trace = await search(sandbox, config=config, scorer=ScriptedScorer({"add": 0.5}, default=0.9))
    assert statistics(trace)["0.0"] == (0.5 + 1 - 1, 3)
    assert [node.value for node in trace.nodes if node.kind is NodeKind.ANSWER] == [None, None]


async def test_puct_is_the_mean_and_the_prior_of_a_step() -> None:
    parent = Node(0, None, "0", 0, START, NodeKind.ROOT, visits=9)
    child = Node(1, 0, "0.0", 1, A, NodeKind.STEP, q=1.0, visits=2, tokens=4, logprob=0.0)
    assert puct(child, parent, 1.5) == pytest.approx(0.5 + 1.5 * 1 * 3 / 3)
    fresh = replace(child, q=0.0, visits=0)
    assert puct(fresh, parent, 1.5) == pytest.approx(0 + 1.5 * 1 * 3 / 1)


async def test_a_finished_solution_is_never_walked_to_again(sandbox: Sandbox) -> None:
    """Solutions are far likelier and better than the steps beside them."""
    script = {
        START: [(solve("3"), 1.0), (A, 0.01)],
        START + A: [(solve("3"), 1.0), (A2, 0.01)],
        START + A + A2: [(solve("3"), 1.0)],
    }
    trace = await search(sandbox, script)
    ends = [node for node in trace.nodes if node.kind is NodeKind.ANSWER]
    reached = [event.node for event in trace.events if event.kind is EventKind.REACHED]
    assert len(ends) == 3
    assert [reached.count(end.index) for end in ends] == [1, 1, 1]
    assert {(end.q, end.visits) for end in ends} == {(1, 1)}


async def test_equals_are_drawn_from_the_seed(sandbox: Sandbox) -> None:
    script = {**SCRIPT, START: [(A, 0.5), (B, 0.5)]}
    config = replace(TEXT, iterations=2)
    first = [
        next(n.path for n in (await search(sandbox, script, config, seed=s)).nodes[1:] if n.visits)
        for s in [*range(8), *range(8)]
    ]
    assert set(first) == {"0.0", "0.1"}
    assert first[:8] == first[8:]


async def test_five_are_asked_for_at_the_root_and_three_elsewhere(sandbox: Sandbox) -> None:
    policy = Planner(SCRIPT)
    await plan_mcts(problem(), policy, sandbox, config=TEXT, seed=0, reward=right_is_three)
    assert [n for _, n in policy.asked] == [5, 3, 3, 3]
    assert len(set(policy.seeds)) == 4
    assert set(policy.stops) == {("</step>", "</solution>")}


async def test_a_plan_that_is_longer_than_the_depth_ends_there_with_a_sentence(
    sandbox: Sandbox,
) -> None:
    script = {
        START: [(A, 0.5)],
        START + A: [(A2, 0.5)],
        START + A + A2: [(step(3, "more"), 0.5), (solve("3"), 0.5)],
    }
    trace = await search(sandbox, script, replace(TEXT, plan_depth=2))
    long, solved = (node for node in trace.nodes if node.depth == 3 and node.visits)
    assert (long.kind, long.q, long.visits) == (NodeKind.TOO_DEEP, -1, 1)
    assert long.error == "the plan is longer than 2 steps, the most that --plan-depth allows"
    assert (solved.kind, solved.q) == (NodeKind.ANSWER, 1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (step(2, "too early"), NodeKind.MALFORMED),
        ("\n<step>Plan 1: add", NodeKind.STOPPED),
        ("\n</plan>\n<solution>\nI cannot say.\n</solution>", NodeKind.NO_ANSWER),
        (program("print(3)"), NodeKind.MALFORMED),
    ],
)
async def test_what_is_malformed_is_a_typed_end_worth_minus_one(
    sandbox: Sandbox, text: str, kind: NodeKind
) -> None:
    trace = await search(sandbox, {START: [(text, 0.5)]})
    end = trace.nodes[1]
    assert (end.kind, end.q, end.visits, end.exhausted) == (kind, -1, 1, True)
    assert (trace.nodes[ROOT].q, trace.nodes[ROOT].visits) == (-1, 2)
    assert trace.nodes[ROOT].children == []
    assert (trace.rollouts, trace.finished) == ([1], [])


@pytest.mark.parametrize(
    ("text", "kind", "answer", "q"),
    [
        (program("x = 1 + 2\nprint('so')\nprint(x)"), NodeKind.ANSWER, "3", 1),
        (program("x = 4"), NodeKind.NO_OUTPUT, None, -1),
        (program("print(nothing)"), NodeKind.FAILED_CODE, None, -1),
        (solve("3"), NodeKind.MALFORMED, None, -1),
    ],
)
async def test_a_solution_that_is_a_program_is_run_and_answers_with_its_last_line(
    sandbox: Sandbox, text: str, kind: NodeKind, answer: str | None, q: float
) -> None:
    trace = await search(sandbox, {START: [(text, 0.5)]}, CPL())
    end = trace.nodes[1]
    assert (end.kind, end.answer, end.q) == (kind, answer, q)
    assert trace.usage.executions == (kind is not NodeKind.MALFORMED)
    if answer is not None:
        assert end.text == f"{text}\n<output>so\n3<end_of_output>\n"


async def test_a_policy_that_tells_no_probabilities_is_refused_in_one_sentence(
    sandbox: Sandbox,
) -> None:
    policy = ScriptedPolicy(lambda partial, index: solve("3"))
    with pytest.raises(BenchError, match="'cpl' goes by the probabilities.*'scripted' tells none"):
        await plan_mcts(problem(), policy, sandbox, config=TEXT, seed=0, reward=right_is_three)


async def test_with_neither_value_model_nor_reward_the_error_says_what_to_pass(
    sandbox: Sandbox,
) -> None:
    with pytest.raises(BenchError, match="--ppm"):
        await search(sandbox, rewarded=False)


async def invent(seed: int, sandbox: Sandbox, **budget: int) -> Trace:
    config = replace(TEXT, **{"iterations": 12, "plan_depth": 3, **budget})
    scorer = RecordedScorer(seed)
    return await plan_mcts(
        problem(name=f"p{seed}"), Inventor(), sandbox, config=config, seed=seed, scorer=scorer
    )


async def test_a_trace_does_not_depend_on_how_many_searches_run_beside_it(
    sandbox: Sandbox,
) -> None:
    async def all_at(concurrency: int) -> list[object]:
        slots = asyncio.Semaphore(concurrency)

        async def one(seed: int) -> object:
            async with slots:
                return (await invent(seed, sandbox)).to_json()

        return list(await asyncio.gather(*(one(seed) for seed in range(24))))

    alone = await all_at(1)
    assert await all_at(8) == alone
    assert await all_at(24) == alone


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_smaller_number_of_iterations_begins_a_larger_run(
    sandbox: Sandbox, seed: int
) -> None:
    whole = await invent(seed, sandbox)
    for iterations in (1, 3, 7):
        smaller = await invent(seed, sandbox, iterations=iterations)
        assert whole.events[: len(smaller.events)] == smaller.events
        ended = len(smaller.rollouts)
        assert cut_to_rollouts(whole, ended) == cut_to_rollouts(smaller, ended)


async def test_nothing_new_is_begun_once_the_tokens_are_spent(sandbox: Sandbox) -> None:
    trace = await search(sandbox, config=replace(TEXT, tokens=20))
    assert trace.usage.policy_generated == 20  # five candidates of four tokens
    trace = await search(sandbox, config=replace(TEXT, tokens=21))
    assert trace.usage.policy_generated == 32


async def test_the_clock_plays_a_tree_again_and_says_what_a_budget_pays_for(
    sandbox: Sandbox,
) -> None:
    trace = await search(sandbox)
    assert cut_to_rollouts(trace, len(trace.rollouts)) == trace
    assert Trace.from_json(trace.to_json(), trace.code_seconds) == trace
    assert [find_affordable(trace, tokens).rollouts for tokens in (31, 32, 44)] == [0, 2, 5]


async def test_a_stored_node_says_what_pairs_and_values_are_made_of(sandbox: Sandbox) -> None:
    stored = (await search(sandbox)).to_json()
    first = Trace.from_json(stored).nodes[1]
    assert (first.text, first.kind, first.visits) == (A, NodeKind.STEP, 6)
    assert first.prior == pytest.approx(0.6)


async def test_without_plans_the_same_search_goes_over_the_steps_of_a_program(
    sandbox: Sandbox,
) -> None:
    def write(partial: str, index: int) -> str:
        if partial == "<code>":
            return f"\nx = {index + 2}\n<end_of_step>"
        if "<end_of_output>" in partial:
            return f"<answer>\\boxed{{{partial.split('<output>')[1][0]}}}<end_of_answer>"
        return "\nprint(x)\n<end_of_code>" if index else "\nx / 0\n<end_of_step>"

    policy = ScriptedPolicy(write, probability=lambda text: 0.5)
    trace = await solution_mcts(
        problem(), policy, sandbox, config=CPLSolution(), seed=0, reward=right_is_three
    )
    assert trace.nodes[ROOT].exhausted
    assert sorted(trace.nodes[index].answer or "" for index in trace.finished) == list("23456")
    right = next(node for node in trace.nodes if node.text == "\nx = 3\n<end_of_step>")
    # Its own score and that of the program's end, both 0, a failure, and the right answer.
    assert (right.q, right.visits) == (0, 4)
    below = [node for node in trace.nodes if node.kind is NodeKind.ANSWER]
    assert len(below) == 5 and policy.greedy.count(True) == 5


async def test_a_program_that_is_longer_than_the_depth_ends_there(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy(lambda *_: "\nx = 1\n<end_of_step>", probability=lambda text: 0.5)
    config = CPLSolution(max_depth=2)
    trace = await solution_mcts(
        problem(), policy, sandbox, config=config, seed=0, reward=right_is_three
    )
    (end,) = (trace.nodes[index] for index in trace.rollouts)
    assert (end.kind, end.depth, end.q) == (NodeKind.TOO_DEEP, 3, -1)
