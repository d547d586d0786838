"""Beam search, lookahead and DVTS: who goes on, what is finished, what looks ahead."""

from __future__ import annotations

import re

import pytest

from bench.sandbox import Sandbox
from bench.search import (
    DVTS,
    ROOT,
    Beam,
    Lookahead,
    NodeKind,
    Trace,
    dvts,
    list_finished,
    lookahead,
    step_beam,
)
from bench.search.official.beam import official_beam
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

pytestmark = pytest.mark.asyncio(loop_scope="package")

START = "<code>"


def step(code: str) -> str:
    return f"\n{code}\n<end_of_step>"


def box(answer: str) -> str:
    return f"<answer>\\boxed{{{answer}}}<end_of_answer>"


def answers(trace: Trace) -> list[str]:
    return [each.answer for each in list_finished(trace)]


def three_ways(partial: str, index: int) -> str:
    """Three first steps, each leading to its own answer by way of one more step."""
    if partial == START:
        return step(f"x = {index}")
    if "y =" not in partial:
        return step(f"y = x  # {index}")
    x = partial.split("x = ")[1][0]
    return box(x)


VALUES = {"x = 0": 0.1, "x = 1": 0.9, "x = 2": 0.5}


async def test_the_best_of_a_level_go_on_and_the_rest_are_left(sandbox: Sandbox) -> None:
    trace = await step_beam(
        problem(),
        ScriptedPolicy(three_ways),
        sandbox,
        config=Beam(beam_width=2, candidates=3),
        seed=0,
        scorer=ScriptedScorer(VALUES),
    )
    expanded = [node.path for node in trace.nodes if node.expanded and node.depth == 1]
    assert expanded == ["0.1", "0.2"]
    assert len(trace.rollouts) == len(trace.finished) == 2


async def test_a_finished_solution_takes_its_place_out_of_the_beam(sandbox: Sandbox) -> None:
    def script(partial: str, index: int) -> str:
        if partial == START:
            return box("9") if index == 0 else step(f"x = {index}")
        return box("1")

    trace = await step_beam(
        problem(),
        ScriptedPolicy(script),
        sandbox,
        config=Beam(beam_width=2, candidates=3),
        seed=0,
        scorer=ScriptedScorer({"boxed{9}": 0.9, "x = 2": 0.8, "x = 1": 0.7}),
    )
    assert answers(trace) == ["9", "1"]
    assert [node.path for node in trace.nodes if node.expanded] == ["0", "0.2"]


async def test_a_beam_that_cannot_finish_ends_at_the_depth_limit(sandbox: Sandbox) -> None:
    trace = await step_beam(
        problem(),
        ScriptedPolicy(lambda partial, index: step(f"x = {len(partial) + index}")),
        sandbox,
        config=Beam(beam_width=2, candidates=2, max_depth=3),
        seed=0,
        scorer=ScriptedScorer({}),
    )
    assert trace.finished == []
    assert [trace.nodes[i].depth for i in trace.rollouts] == [3, 3]


async def test_a_beam_whose_candidates_all_fail_ends_where_it_stood(sandbox: Sandbox) -> None:
    trace = await step_beam(
        problem(),
        ScriptedPolicy({START: [step("1 / 0")]}),
        sandbox,
        config=Beam(beam_width=2, candidates=2),
        seed=0,
        scorer=ScriptedScorer({}),
    )
    assert (trace.rollouts, trace.finished) == ([ROOT], [])


async def test_lookahead_ranks_by_where_a_step_leads(sandbox: Sandbox) -> None:
    def script(partial: str, index: int) -> str:
        if partial == START:
            return step("good = 1") if index == 0 else step("bad = 1")
        return box("1") if "good" in partial else box("2")

    # Step by step the bad one looks better; one step on, the good one does.
    scorer = ScriptedScorer({"bad": 0.5, "good": 0.1, "boxed{1}": 0.9, "boxed{2}": -0.9})
    config = Beam(beam_width=1, candidates=2)
    further = Lookahead(beam_width=1, candidates=2, lookahead=1)
    plain = await step_beam(
        problem(), ScriptedPolicy(script), sandbox, config=config, seed=0, scorer=scorer
    )
    ahead = await lookahead(
        problem(), ScriptedPolicy(script), sandbox, config=further, seed=0, scorer=scorer
    )
    assert (answers(plain), answers(ahead)) == (["2"], ["1"])
    imagined = [node for node in ahead.nodes if node.kind is NodeKind.LOOKAHEAD]
    assert len(imagined) == 2
    assert all(node.index not in ahead.nodes[node.parent or 0].children for node in imagined)
    assert ahead.usage.policy_generated > plain.usage.policy_generated


async def test_a_lookahead_of_several_steps_stops_at_an_answer_or_a_failure(
    sandbox: Sandbox,
) -> None:
    def script(partial: str, index: int) -> str:
        if partial == START:
            return step(f"x = {index}")
        if "x = 0" in partial:
            return step("1 / 0")
        return box("1")

    trace = await lookahead(
        problem(),
        ScriptedPolicy(script),
        sandbox,
        config=Lookahead(beam_width=1, candidates=2, lookahead=3),
        seed=0,
        scorer=ScriptedScorer({"boxed": 0.9}),
    )
    assert sum(node.kind is NodeKind.LOOKAHEAD for node in trace.nodes) == 2
    assert answers(trace) == ["1"]


async def test_what_an_imagined_step_asked_to_be_shown_is_not_shown_again(
    sandbox: Sandbox,
) -> None:
    shown = []

    def script(partial: str, index: int) -> str:
        shown.extend(re.findall(r"<output>\s*(.*?)\s*<end_of_output>", partial, re.DOTALL)[1:])
        if "<output>" not in partial:
            return "\nx = 1\nprint(5)\n<output>" if "x = 0" in partial else step("x = 0")
        return "\nprint(7)\n<end_of_code>" if partial.count("<output>") == 1 else box("1")

    await lookahead(
        problem(),
        ScriptedPolicy(script),
        sandbox,
        config=Lookahead(beam_width=1, candidates=1, lookahead=4),
        seed=0,
        scorer=ScriptedScorer({}),
    )
    assert shown and set(shown) == {"7"}


async def test_each_subtree_follows_its_own_best_candidate(sandbox: Sandbox) -> None:
    trace = await dvts(
        problem(),
        ScriptedPolicy(three_ways),
        sandbox,
        config=DVTS(n=2, candidates=3),
        seed=0,
        scorer=ScriptedScorer(VALUES),
    )
    assert answers(trace) == ["1", "1"]
    assert [trace.lineage(i)[0].path for i in trace.finished] == ["0.1", "0.4"]


async def test_subtrees_ask_with_seeds_of_their_own(sandbox: Sandbox) -> None:
    policy = ScriptedPolicy(three_ways)
    await dvts(
        problem(),
        policy,
        sandbox,
        config=DVTS(n=3, candidates=2),
        seed=0,
        scorer=ScriptedScorer(VALUES),
    )
    at_root = [
        seed
        for seed, partial in zip(policy.seeds, policy.partials, strict=True)
        if partial == START
    ]
    assert len(set(at_root)) == 3


async def test_a_subtree_without_a_valid_first_step_ends_at_a_candidate_of_its_own(
    sandbox: Sandbox,
) -> None:
    trace = await dvts(
        problem(),
        ScriptedPolicy({START: [step("1 / 0")]}),
        sandbox,
        config=DVTS(n=2, candidates=1),
        seed=0,
        scorer=ScriptedScorer({}),
    )
    assert [trace.nodes[i].path for i in trace.rollouts] == ["0.0", "0.1"]
    assert trace.finished == []


async def test_the_official_beam_puts_candidates_below_a_dead_end(sandbox: Sandbox) -> None:
    def script(partial: str, index: int) -> str:
        if partial == START:
            return step("1 / 0") if index == 0 else step("x = 1")
        return box(str(index))

    trace = await official_beam(
        problem(),
        ScriptedPolicy(script),
        sandbox,
        config=Beam(beam_width=2, candidates=2),
        seed=0,
        scorer=ScriptedScorer({"1 / 0": 0.9, "x = 1": 0.5}),
    )
    dead, alive = trace.nodes[1], trace.nodes[2]
    assert dead.kind is NodeKind.FAILED_CODE
    assert trace.nodes[trace.finished[0]].parent == dead.index
    assert not alive.expanded
