"""Particle filtering: good particles are drawn often, bad ones rarely, failed ones never."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.sandbox import Sandbox
from bench.search import ROOT, Particles, Trace, list_finished, particle_filter
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

pytestmark = pytest.mark.asyncio(loop_scope="package")
START = "<code>"


def step(code: str) -> str:
    return f"\n{code}\n<end_of_step>"


def box(answer: str) -> str:
    return f"<answer>\\boxed{{{answer}}}<end_of_answer>"


def two_ways(partial: str, index: int) -> str:
    return step(f"x = {index % 2}") if partial == START else box(partial.split("x = ")[1][0])


async def search(
    sandbox: Sandbox, script: object, values: dict[str, float], *, seed: int = 0, **knobs: int
) -> Trace:
    return await particle_filter(
        problem(),
        ScriptedPolicy(script),  # type: ignore[arg-type]
        sandbox,
        config=Particles(**knobs),  # type: ignore[arg-type]
        seed=seed,
        scorer=ScriptedScorer(values),
    )


def answers(trace: Trace) -> Counter[str]:
    return Counter(each.answer for each in list_finished(trace))


async def test_particles_are_drawn_in_proportion_to_their_odds(sandbox: Sandbox) -> None:
    # Values 0.6 and -0.2 are p = 0.8 and 0.4: odds 4 and 2/3, so 6 of 7 go on from the first.
    values = {"x = 0": 0.6, "x = 1": -0.2, "boxed": 0.0}
    drawn: Counter[str] = Counter()
    for seed in range(6):
        drawn += answers(await search(sandbox, two_ways, values, seed=seed, width=20))
    assert drawn.total() == 120
    assert 120 * 6 / 7 - 15 < drawn["0"] < 120 * 6 / 7 + 15  # four standard deviations


async def test_a_seed_draws_the_same_particles(sandbox: Sandbox) -> None:
    first, again, other = [
        await search(sandbox, two_ways, {}, seed=seed, width=12) for seed in (3, 3, 4)
    ]
    assert first == again
    assert first.to_json() != other.to_json()


async def test_finished_particles_are_drawn_along_with_the_others(sandbox: Sandbox) -> None:
    def script(partial: str, index: int) -> str:
        return box("9") if partial == START and index == 0 else step("x = 1")

    # Sure of the finished one, all others of the first level are replaced by it.
    trace = await search(sandbox, script, {"boxed": 0.999999, "x =": -0.999999}, width=5)
    assert answers(trace) == Counter({"9": 5})
    assert len(trace.nodes) == 1 + 5


async def test_a_failed_particle_is_drawn_no_more_and_without_any_the_search_ends(
    sandbox: Sandbox,
) -> None:
    def script(partial: str, index: int) -> str:
        return [step("1 / 0"), step("x = 7")][index % 2] if partial == START else box("7")

    assert answers(await search(sandbox, script, {}, width=4)) == Counter({"7": 4})
    failed = await search(sandbox, {START: [step("1 / 0")]}, {}, width=3)
    assert (failed.rollouts, failed.finished) == ([ROOT] * 3, [])


async def test_particles_that_never_finish_end_at_the_depth_limit(sandbox: Sandbox) -> None:
    trace = await search(
        sandbox, lambda partial, index: step(f"x = {len(partial)}"), {}, width=2, max_depth=3
    )
    assert [trace.nodes[at].depth for at in trace.rollouts] == [3, 3]
    assert trace.finished == []
