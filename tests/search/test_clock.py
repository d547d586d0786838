"""A prefix of the clock is the smaller run, to the last event; costs add up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bench.errors import BenchError
from bench.sandbox import Sandbox
from bench.search import (
    DVTS,
    MCTS,
    ROOT,
    Cost,
    EventKind,
    NodeKind,
    Sampling,
    Trace,
    count_generated,
    cut_to_rollouts,
    dvts,
    find_affordable,
    list_costs,
    mcts,
    sample,
    share_prefixes,
)
from bench.search.efficient import efficient_mcts
from bench.search.official.mcts import official_mcts
from bench.search.registry import SearchFunction
from bench.search.tree import new_trace
from tests.scripted import problem
from tests.search.recording import RecordedScorer, Recorder, reward

pytestmark = pytest.mark.asyncio(loop_scope="package")

Search = Callable[[int, Sandbox], Awaitable[Trace]]


def by_tree(search_tree: SearchFunction, mode: str, seed: int) -> Search:
    """MCTS of a made-up problem with a given number of rollouts."""

    async def search(rollouts: int, sandbox: Sandbox) -> Trace:
        return await search_tree(
            problem(name=f"p{seed}"),
            Recorder(seed),
            sandbox,
            config=MCTS(rollouts=rollouts, candidates=3, max_depth=5),
            seed=seed,
            scorer=None if mode == "terminal" else RecordedScorer(seed),
            reward=None if mode == "test" else reward,
        )

    return search


async def by_samples(n: int, sandbox: Sandbox) -> Trace:
    return await sample(
        problem(), Recorder(5), sandbox, config=Sampling(n=n), seed=3, scorer=RecordedScorer(3)
    )


async def by_subtrees(n: int, sandbox: Sandbox) -> Trace:
    return await dvts(
        problem(),
        Recorder(4),
        sandbox,
        config=DVTS(n=n, candidates=3, max_depth=5),
        seed=3,
        scorer=RecordedScorer(3),
    )


TREES = [
    pytest.param(by_tree(tree, mode, seed), id=f"{tree.__name__}-{mode}-{seed}")
    for tree in (mcts, official_mcts)
    for mode in ("terminal", "ppm", "test")
    for seed in (3, 11)
]


@pytest.mark.parametrize("search", TREES)
async def test_every_smaller_number_of_rollouts_is_in_a_larger_run(
    sandbox: Sandbox, search: Search
) -> None:
    whole = await search(7, sandbox)
    for rollouts in range(1, 7):
        smaller = await search(rollouts, sandbox)
        assert cut_to_rollouts(whole, rollouts) == smaller
        assert cut_to_rollouts(whole, rollouts).to_json() == smaller.to_json()


@pytest.mark.parametrize("search", [by_samples, by_subtrees])
async def test_every_smaller_number_of_samples_or_subtrees_is_in_a_larger_run(
    sandbox: Sandbox, search: Search
) -> None:
    whole = await search(5, sandbox)
    for count in range(1, 5):
        assert cut_to_rollouts(whole, count) == await search(count, sandbox)


@pytest.mark.parametrize("search", [*TREES, by_samples, by_subtrees])
async def test_the_whole_clock_played_again_is_the_trace(sandbox: Sandbox, search: Search) -> None:
    whole = await search(4, sandbox)
    again = cut_to_rollouts(whole, len(whole.rollouts))
    assert again == whole
    assert again.code_seconds == whole.code_seconds
    assert Trace.from_json(whole.to_json(), whole.code_seconds) == whole


async def test_the_last_cost_is_the_usage_of_the_search(sandbox: Sandbox) -> None:
    trace = await by_tree(mcts, "test", 11)(5, sandbox)
    spent = list_costs(trace)
    assert len(spent) == len(trace.rollouts)
    last = spent[-1]
    assert (last.policy_prompt, last.policy_generated) == (
        trace.usage.policy_prompt,
        trace.usage.policy_generated,
    )
    assert (last.ppm, last.executions) == (trace.usage.ppm, trace.usage.executions)
    assert last.code_seconds == pytest.approx(sum(trace.code_seconds))
    assert len(trace.code_seconds) == trace.usage.executions > 0
    generated = [cost.policy_generated for cost in spent]
    assert generated == sorted(generated)


async def test_flops_are_two_per_parameter_and_token_computed() -> None:
    cost = Cost(policy_prompt=100, policy_cached=60, policy_generated=10, ppm=7)
    assert cost.flops(1000, 500) == 2 * (1000 * (100 - 60 + 10) + 500 * 7)


@pytest.mark.parametrize(
    ("price", "needed"),
    [
        (count_generated, 5),
        (lambda cost: cost.flops(1000), 2 * 1000 * (10 - 4 + 5)),
        (lambda cost: cost.flops(1000, 500), 2 * (1000 * (10 - 4 + 5) + 500 * 7)),
    ],
    ids=["tokens", "flops", "flops of both models"],
)
async def test_a_budget_affords_what_costs_as_much_and_not_a_unit_more(
    price: Callable[[Cost], float], needed: int
) -> None:
    trace = new_trace("p", "sample", 0, "Question")
    answer = trace.add(trace.nodes[0], 0, "3", NodeKind.ANSWER, 5, prompt=10, cached=4)
    trace.record(EventKind.SCORED, answer, 0.5, ppm=7)
    trace.record(EventKind.ROLLOUT, answer)
    assert find_affordable(trace, needed, price).rollouts == 1
    assert find_affordable(trace, needed - 1, price).rollouts == 0


async def test_a_trace_without_a_clock_is_read_and_says_that_its_prefixes_are_unknown(
    sandbox: Sandbox,
) -> None:
    stored = (await by_tree(mcts, "test", 11)(2, sandbox)).to_json()
    for key in ("events", "rules"):
        del stored[key]
    del stored["usage"]["policy_cached"]
    old = Trace.from_json(stored)
    assert len(old.rollouts) == 2
    with pytest.raises(BenchError, match="without a budget clock"):
        cut_to_rollouts(old, 1)


@pytest.mark.parametrize("tree", [mcts, official_mcts, efficient_mcts])
async def test_a_trace_does_not_depend_on_how_many_searches_run_beside_it(
    sandbox: Sandbox, tree: SearchFunction
) -> None:
    async def all_at(concurrency: int) -> list[object]:
        slots = asyncio.Semaphore(concurrency)

        async def one(seed: int) -> object:
            async with slots:
                return (await by_tree(tree, "test", seed)(2, sandbox)).to_json()

        return list(await asyncio.gather(*(one(seed) for seed in range(64))))

    alone = await all_at(1)
    assert await all_at(8) == alone
    assert await all_at(64) == alone


async def test_a_prompt_is_counted_once_where_prefixes_are_kept() -> None:
    trace = new_trace("p", "mcts", 0, "<code>")
    root = trace.nodes[ROOT]
    first = trace.add(root, 0, "step", NodeKind.STEP, 7, prompt=50)
    trace.add(root, 1, "other", NodeKind.STEP, 8)
    trace.add(root, 2, "asked again", NodeKind.STEP, 9, prompt=50)
    # 50 and 7 were read and written; 3 are an output that was inserted.
    below = trace.add(first, 0, "next", NodeKind.STEP, 5, prompt=60)
    trace.add(below, 0, "last", NodeKind.ANSWER, 4, prompt=65)
    events = [event for event in share_prefixes(trace).events if event.policy_prompt]
    assert [event.policy_prompt - event.policy_cached for event in events] == [50, 0, 3, 0]
    assert trace.events[0].policy_cached == 0


async def test_a_program_of_many_steps_is_known_from_its_first_where_its_tokens_are_booked() -> (
    None
):
    trace = new_trace("p", "sample", 0, "<code>")
    first = trace.add(trace.nodes[ROOT], 0, "a", NodeKind.STEP, 20, prompt=50)
    second = trace.add(first, 0, "b", NodeKind.CODE_END, 0)
    trace.add(second, 0, "answer", NodeKind.ANSWER, 9, prompt=74)
    events = [event for event in share_prefixes(trace).events if event.policy_prompt]
    assert [event.policy_prompt - event.policy_cached for event in events] == [50, 4]
