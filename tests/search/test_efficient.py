"""The efficient rules: what is asked for, what counts as the same, and what a path is worth."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.engines.base import Aggregating
from bench.sandbox import Sandbox
from bench.search import MCTS, ROOT, Beam, Node, NodeKind, Trace, cut_to_rollouts
from bench.search.efficient import efficient_beam, efficient_mcts, normalize, puct
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

START = "<code>"
CONFIG = MCTS(rollouts=4, candidates=4, max_depth=6, rules="efficient")


def step(code: str) -> str:
    return f"\n{code}\n<end_of_step>"


def branching(first: Callable[[int], str]) -> Callable[[str, int], str]:
    """Return a policy whose first step is `first` of the candidate's index, then prints x."""

    def write(partial: str, index: int) -> str:
        if partial == START:
            return first(index)
        if "<end_of_output>" in partial:
            printed = partial.rsplit("<output>")[1].split("<end_of_output>")[0]
            return f"<answer>\\boxed{{{printed}}}<end_of_answer>"
        return "\nprint(x)\n<end_of_code>"

    return write


async def search(
    sandbox: Sandbox,
    policy: ScriptedPolicy,
    scorer: ScriptedScorer | Aggregating | None = None,
    config: MCTS = CONFIG,
) -> Trace:
    return await efficient_mcts(
        problem(), policy, sandbox, config=config, seed=1, scorer=scorer or ScriptedScorer({})
    )


@pytest.mark.asyncio(loop_scope="package")
async def test_one_greedy_answer_is_asked_for_below_an_output(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy(branching(lambda index: step("x = 3")))
    trace = await search(sandbox, policy)
    answers = [node for node in trace.nodes if node.kind is NodeKind.ANSWER]
    assert [node.answer for node in answers] == ["3"]
    asked = zip(policy.partials, policy.greedy, strict=True)
    assert [greedy for partial, greedy in asked if "<end_of_output>" in partial] == [True]


def children_of(trace: Trace, parent: int) -> list[Node]:
    return [node for node in trace.nodes if node.parent == parent]


@pytest.mark.asyncio(loop_scope="package")
async def test_the_first_solution_is_the_greedy_one_and_costs_no_more(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy(branching_one("x = 3"), greedy=branching_one("x = 7"))
    trace = await search(sandbox, policy, config=replace(CONFIG, rollouts=1))
    assert policy.greedy == [True] * 3
    assert [trace.nodes[end].answer for end in trace.finished] == ["7"]


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize(("probability", "asked"), [(0.9, 1), (0.6, 3), (0.3, 4)])
async def test_a_node_is_asked_again_while_something_new_is_likely(
    sandbox: Sandbox, probability: float, asked: int
) -> None:
    """The unseen share is divided by 1 + repetitions: 0.4, 0.2, 0.13 after three asked."""
    policy = ScriptedPolicy(
        branching_one("x = 3"), probability=lambda text: probability if "x = 3" in text else 0.99
    )
    trace = await search(sandbox, policy, config=replace(CONFIG, rollouts=9))
    assert len(children_of(trace, ROOT)) == asked
    assert len(trace.nodes[ROOT].children) == 1
    assert trace.nodes[ROOT].exhausted


@pytest.mark.asyncio(loop_scope="package")
async def test_without_probabilities_repetitions_alone_say_what_is_likely(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy(branching_one("x = 3"))
    config = replace(CONFIG, rollouts=9, candidates=20)
    trace = await search(sandbox, policy, config=config)
    assert len(children_of(trace, ROOT)) == 7  # 1 / (1 + 6) < LEAST
    count = iter(range(100))
    policy = ScriptedPolicy(
        branching(lambda index: step(f"x = {next(count)}")), greedy=branching_one("x = -1")
    )
    trace = await search(sandbox, policy, config=replace(CONFIG, rollouts=4))
    assert len(trace.nodes[ROOT].children) == CONFIG.candidates


def test_the_prior_of_a_child_is_the_probability_of_its_step() -> None:
    parent = Node(0, None, "0", 0, START, NodeKind.ROOT, visits=4, children=[1, 2])
    child = Node(1, 0, "0.0", 1, step("x = 1"), NodeKind.STEP, q=1.0, visits=1)
    assert puct(child, parent, c=2.0) == pytest.approx(1 + 2 * 0.5 * 2 / 2)
    child.logprob = math.log(0.25)
    assert puct(child, parent, c=2.0) == pytest.approx(1 + 2 * 0.25 * 2 / 2)


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1 + 2", "# Add\nx = 1+2"),
        ("x = 1 + 2", "x = 2 + 1"),
        ("x = [1, 2]", "x = list((1, 2))"),
    ],
)
async def test_siblings_that_do_the_same_are_one(sandbox: Sandbox, one: str, other: str) -> None:
    policy = ScriptedPolicy(branching(lambda index: step(other)), greedy=branching_one(one))
    trace = await search(sandbox, policy, config=replace(CONFIG, rollouts=2))
    first, second = children_of(trace, ROOT)[:2]
    assert first.text == step(one)
    assert second.kind is NodeKind.DUPLICATE


def branching_one(code: str) -> Callable[[str, int], str]:
    return branching(lambda index: step(code))


@pytest.mark.asyncio(loop_scope="package")
async def test_siblings_that_differ_in_a_variable_an_output_or_a_function_are_two(
    sandbox: Sandbox,
) -> None:
    for one, other in (
        ("x = 1", "x = 2"),
        ("x = 1\nprint(1)", "x = 1\nprint(2)"),
        ("x = 1\ndef f(): return 1", "x = 1\ndef f(): return 2"),
    ):
        policy = ScriptedPolicy(branching_one(other), greedy=branching_one(one))
        trace = await search(sandbox, policy, config=replace(CONFIG, rollouts=2))
        assert len(trace.nodes[ROOT].children) == 2


def test_code_is_compared_without_comments_and_with_the_tag_that_ends_it() -> None:
    assert normalize(step("x = 1  # one")) == normalize(step("# One\nx = 1"))
    assert normalize("\nx = 1\n<end_of_code>") != normalize(step("x = 1"))
    assert normalize("<answer>1<end_of_answer>") != normalize("<answer>1 <end_of_answer>")
    assert normalize(step("x = = 1")) == step("x = = 1")


@pytest.mark.asyncio(loop_scope="package")
async def test_a_trajectory_is_worth_its_whole_path(sandbox: Sandbox) -> None:
    scorer = ScriptedScorer({"x =": 0.6, "print": 0.2, "answer": -0.2})
    policy = ScriptedPolicy(branching_one("x = 3"))
    for aggregate, worth in (("last", -0.2), ("mean", 0.2), ("min", -0.2), ("product", -0.616)):
        trace = await search(
            sandbox, policy, Aggregating(scorer, aggregate), replace(CONFIG, rollouts=1)
        )
        end: Node = trace.nodes[trace.finished[0]]
        assert end.q / end.visits == pytest.approx(worth)


@pytest.mark.asyncio(loop_scope="package")
async def test_beams_go_by_the_path_and_answer_greedily(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy(branching_one("x = 2"), greedy=branching_one("x = 1"))
    scorer = ScriptedScorer({"x = 1": -0.5, "x = 2": 0.5})
    trace = await efficient_beam(
        problem(),
        policy,
        sandbox,
        config=Beam(beam_width=1, candidates=4, rules="efficient"),
        seed=1,
        scorer=scorer,
    )
    assert [trace.nodes[end].answer for end in trace.finished] == ["2"]
    assert sum(node.kind is NodeKind.ANSWER for node in trace.nodes) == 1


@pytest.mark.asyncio(loop_scope="package")
async def test_a_larger_budget_begins_with_the_smaller_whatever_runs_beside_it(
    sandbox: Sandbox,
) -> None:
    def write(index: int) -> str:
        return step(f"x = {index % 3}")

    def policy() -> ScriptedPolicy:
        return ScriptedPolicy(branching(write), greedy=branching_one("x = 7"))

    large, small, beside = await asyncio.gather(
        search(sandbox, policy(), config=replace(CONFIG, rollouts=4)),
        search(sandbox, policy(), config=replace(CONFIG, rollouts=2)),
        search(sandbox, policy(), config=replace(CONFIG, rollouts=4)),
    )
    assert large.to_json() == beside.to_json()
    assert cut_to_rollouts(large, 2).to_json()["nodes"] == small.to_json()["nodes"]
