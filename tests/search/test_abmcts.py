"""AB-MCTS-A: beliefs by hand, wider or deeper by what was found, the same tree for a seed."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from bench.sandbox import Sandbox
from bench.search import ABMCTS, Trace, ab_mcts, list_finished
from bench.search.abmcts import Beta, Normal
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

START = "<code>"


def step(code: str) -> str:
    return f"\n{code}\n<end_of_step>"


def box(answer: str) -> str:
    return f"<answer>\\boxed{{{answer}}}<end_of_answer>"


class Counting:
    """A policy's script that writes two steps, numbered through, and then an answer.

    It is `new` where both steps are of one rollout, and `old` where a known step was gone on from.
    """

    def __init__(self) -> None:
        self.written = 0

    def __call__(self, partial: str, index: int) -> str:
        self.written += 1
        if partial.count("<end_of_step>") < 2:
            return step(f"x = {self.written}")
        first, second = (int(part.split()[0]) for part in partial.split("x = ")[1:])
        return box("new" if second == first + 1 else "old")


class DeadFirst(Counting):
    """Its first rollout dies at the second step; later ones go on from the first or anew."""

    def __call__(self, partial: str, index: int) -> str:
        return step("1 / 0") if self.written == 1 and self.count() else super().__call__(partial, 0)

    def count(self) -> int:
        self.written += 1
        return self.written


async def search(
    sandbox: Sandbox,
    values: dict[str, float],
    *,
    seed: int = 0,
    write: Counting | None = None,
    **knobs: object,
) -> Trace:
    return await ab_mcts(
        problem(),
        ScriptedPolicy(write or Counting()),
        sandbox,
        config=ABMCTS(**knobs),  # type: ignore[arg-type]
        seed=seed,
        scorer=ScriptedScorer(values),
    )


# Beliefs.


def test_a_normal_belief_follows_the_normal_inverse_gamma_update() -> None:
    # n = 2, mean 0.6, squared deviations 0.08; kappa = nu = 3, m = 1.2 / 3,
    # tau² = (0.1 + 0.08 + 2 * 0.36 / 3) / 3.
    found = Normal().learn([0.4, 0.8])
    assert (found.m, found.kappa, found.nu) == (pytest.approx(0.4), 3.0, 3.0)
    assert found.tau_square == pytest.approx(0.14)
    assert Normal().learn([]) == Normal()


def test_a_beta_belief_counts_rewards_as_parts_of_wins() -> None:
    assert Beta().learn([0.25, 1.0]) == Beta(1.75, 1.25)


def test_draws_have_the_means_that_are_believed() -> None:
    chance = random.Random(5)
    sure = Normal(m=0.3, kappa=50.0, nu=50.0, tau_square=0.1)
    assert fmean(sure.draw(chance) for _ in range(4000)) == pytest.approx(0.3, abs=0.01)
    spread = [(sure.draw(chance) - 0.3) ** 2 for _ in range(4000)]
    assert fmean(spread) == pytest.approx(0.1 / 50 * 50 / 48, rel=0.1)
    assert fmean(Beta(3, 1).draw(chance) for _ in range(4000)) == pytest.approx(0.75, abs=0.02)


def test_beliefs_are_those_of_treequest_where_it_is_installed() -> None:
    told = pytest.importorskip("treequest.algos.ab_mcts_a.prob_state", reason="no treequest")
    rewards = [0.1, 0.9, 0.35]
    for name, ours in (("gaussian", Normal()), ("beta", Beta())):
        theirs = told.ProbabilisticDist(told.PriorConfig(dist_type=name))
        for reward in rewards:
            theirs.tell_observation(reward)
        found = ours.learn(rewards)
        for field, value in theirs.params.items():
            assert getattr(found, field) == pytest.approx(value)


# The tree.


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("belief", ["gaussian", "beta"])
async def test_fewer_rollouts_are_the_first_of_more(sandbox: Sandbox, belief: str) -> None:
    few, many = [
        await search(sandbox, {"x = ": 0.2}, rollouts=count, belief=belief) for count in (5, 12)
    ]
    assert len(few.rollouts) == 5 and len(many.rollouts) == 12
    assert few.nodes[-1].path == many.nodes[len(few.nodes) - 1].path
    assert few.events == many.events[: len(few.events)]


@pytest.mark.asyncio(loop_scope="package")
@pytest.mark.parametrize("belief", ["gaussian", "beta"])
async def test_it_goes_wider_where_new_solutions_are_better_and_deeper_where_old_ones_are(
    sandbox: Sandbox, belief: str
) -> None:
    async def measure_width(values: dict[str, float]) -> float:
        traces = [
            await search(sandbox, values, seed=seed, rollouts=16, belief=belief)
            for seed in range(6)
        ]
        return fmean(len(trace.nodes[0].children) for trace in traces)

    wide = await measure_width({"new": 0.9, "old": -0.9})
    deep = await measure_width({"new": -0.9, "old": 0.9})
    assert 1 <= deep < 7 < 10 < wide <= 16


@pytest.mark.asyncio(loop_scope="package")
async def test_rewards_are_evidence_where_they_were_generated_and_on_the_way(
    sandbox: Sandbox,
) -> None:
    trace = await search(sandbox, {"": 0.5}, rollouts=6)
    assert trace.nodes[0].visits == 6
    assert trace.nodes[0].q == pytest.approx(6 * 0.5)
    assert sum(trace.nodes[child].visits for child in trace.nodes[0].children) == 6
    assert len(list_finished(trace)) == 6


@pytest.mark.asyncio(loop_scope="package")
async def test_steps_of_a_dead_end_are_scored_once_an_answer_goes_on_from_them(
    sandbox: Sandbox,
) -> None:
    for seed in range(20):
        trace = await search(sandbox, {"x = 1": -0.9}, seed=seed, rollouts=6, write=DeadFirst())
        ends = [trace.lineage(end) for end in trace.finished]
        assert all(node.value is not None for line in ends for node in line)
        if any(line[0].index == 1 for line in ends):
            return  # one went on from the step of the dead end
    raise AssertionError("no rollout went on from the dead end's step")


@pytest.mark.asyncio(loop_scope="package")
async def test_tokens_end_a_search_and_a_policy_that_writes_nothing_is_asked_no_more(
    sandbox: Sandbox,
) -> None:
    whole = await search(sandbox, {}, rollouts=20)
    tokens = whole.usage.policy_generated // 2
    cut = await search(sandbox, {}, rollouts=20, tokens=tokens)
    assert len(cut.rollouts) < 20 and cut.usage.policy_generated >= tokens
    assert cut.events == whole.events[: len(cut.events)]

    silent = await ab_mcts(
        problem(),
        ScriptedPolicy(lambda partial, index: ""),
        sandbox,
        config=ABMCTS(rollouts=50),
        seed=0,
        scorer=ScriptedScorer({}),
    )
    assert len(silent.rollouts) == 1 and silent.finished == []
