"""The engines that step a batch, on the embedded model: a request's text is its own.

Whatever runs beside it, and whatever ran before. One engine of each kind serves the file.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.engines.base import Completion, Finish, Request
from bench.engines.openvino import OpenVINOEngine
from bench.engines.stepping import SteppingEngine
from bench.errors import EngineError
from tests.engines.asking import COUNTING, ask, ask_one, mixed, request

pytestmark = pytest.mark.skipif(
    find_spec("openvino_genai") is None,
    reason="openvino_genai is not installed: pip install 'rstar-bench[cpu]'",
)

Start = Callable[..., SteppingEngine]


@pytest.fixture(scope="module", params=["openvino", "invariant"])
def start(request: pytest.FixtureRequest, embedded_gguf: Path, start_invariant: Start) -> Start:
    """Starts an engine on the embedded model."""
    if request.param == "openvino":
        return partial(OpenVINOEngine, embedded_gguf, name="smollm2")
    return start_invariant


@pytest.fixture(scope="module")
def engine(start: Start) -> Iterator[SteppingEngine]:
    started = start()
    yield started
    started.close()


@pytest.fixture(scope="module")
def narrow(start: Start) -> Iterator[SteppingEngine]:
    """An engine with room for four sequences."""
    started = start(max_sequences=4)
    yield started
    started.close()


@pytest.fixture(scope="module")
def alone(engine: SteppingEngine) -> list[list[Completion]]:
    """What each of the mixed requests gives when nothing else runs."""
    return [ask_one(engine, one) for one in mixed()]


# A request's text is a function of the request.


def test_a_request_gives_the_same_alone_and_in_a_batch(
    engine: SteppingEngine, alone: list[list[Completion]]
) -> None:
    assert ask(engine, mixed()) == alone


def test_the_order_of_arrival_does_not_matter(
    engine: SteppingEngine, alone: list[list[Completion]]
) -> None:
    assert ask(engine, mixed()[::-1])[::-1] == alone


def test_a_request_that_joins_a_running_batch_gives_the_same(
    engine: SteppingEngine, alone: list[list[Completion]]
) -> None:
    async def staggered() -> list[list[Completion]]:
        tasks = []
        for one in mixed():
            tasks.append(asyncio.create_task(engine.generate(one)))
            await asyncio.sleep(0.03)
        return await asyncio.gather(*tasks)

    assert asyncio.run(staggered()) == alone


def test_what_ran_before_does_not_matter(
    engine: SteppingEngine, alone: list[list[Completion]]
) -> None:
    ask(engine, [request("import math\n", n=4, seed=99, max_tokens=20)])
    assert ask_one(engine, mixed()[5]) == alone[5]


def test_the_candidates_of_a_request_differ(engine: SteppingEngine) -> None:
    texts = [completion.text for completion in ask_one(engine, request(n=4))]
    assert len(set(texts)) == 4


def test_different_seeds_give_different_texts(engine: SteppingEngine) -> None:
    first, second = ask(engine, [request(seed=1), request(seed=2)])
    assert first != second


def test_greedy_repeats_whatever_the_seed(engine: SteppingEngine) -> None:
    first, second = (ask_one(engine, request(temperature=0.0, seed=seed)) for seed in (1, 2))
    assert first == second


# Who gives up.


def test_requests_that_are_given_up_are_stopped_and_the_others_are_as_they_were(
    narrow: SteppingEngine, alone: list[list[Completion]], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = request(COUNTING, temperature=0.0, max_tokens=4_000)
    steps: list[int] = []
    step = narrow._step

    def count(active: list[Any]) -> None:
        steps.append(len(active))
        step(active)

    async def give_up() -> list[list[Completion]]:
        # Four take all the room, and four wait for it, before the others.
        given_up = [asyncio.create_task(narrow.generate(long)) for _ in range(8)]
        while len(steps) < 3:
            await asyncio.sleep(0.01)
        others = [asyncio.create_task(narrow.generate(one)) for one in mixed()]
        for task in given_up:
            task.cancel()
        return await asyncio.gather(*others)

    monkeypatch.setattr(narrow, "_step", count)
    assert asyncio.run(give_up()) == alone
    assert len(steps) < long.max_tokens / 4


# Who is served first.


def test_the_lowest_order_is_served_first_and_texts_are_the_same(
    narrow: SteppingEngine, alone: list[list[Completion]]
) -> None:
    # Side by side, the lowest order would end last: it writes the most.
    wide = [
        request(n=4, seed=order, max_tokens=12 - 3 * order, order=order) for order in (3, 1, 2, 0)
    ]
    ended: list[int] = []

    async def ask_in_order(one: Request) -> list[Completion]:
        texts = await narrow.generate(one)
        ended.append(one.order)
        return texts

    async def gathered() -> list[list[Completion]]:
        before = asyncio.create_task(narrow.generate(request(n=4, max_tokens=30)))
        await asyncio.sleep(0.05)  # it takes all the room
        served = await asyncio.gather(*map(ask_in_order, wide))
        await before
        return served

    texts = asyncio.run(gathered())
    assert ended == [0, 1, 2, 3]
    assert texts == [ask_one(narrow, one) for one in wide]
    mingled = [replace(one, order=-at) for at, one in enumerate(mixed())]
    assert ask(narrow, mingled) == alone


def test_a_request_for_more_than_there_is_room_for_is_answered(narrow: SteppingEngine) -> None:
    several = [request(n=6, max_tokens=4), request(n=1, max_tokens=4), request(n=6, max_tokens=4)]
    assert [len(texts) for texts in ask(narrow, several)] == [6, 1, 6]


# Where a text ends.


@pytest.mark.parametrize("stop", [("ree,",), ("four", "ree,"), ("e, f", "our")])
def test_a_text_ends_with_the_first_stop_string_it_hits(
    engine: SteppingEngine, stop: tuple[str, ...]
) -> None:
    whole = request(COUNTING, temperature=0.0, max_tokens=16)
    (full,) = ask_one(engine, whole)
    (cut,) = ask_one(engine, request(COUNTING, temperature=0.0, max_tokens=16, stop=stop))
    assert cut.text == full.text[: min(full.text.index(s) + len(s) for s in stop if s in full.text)]
    assert cut.finish is Finish.STOP
    assert 0 < cut.tokens < 16


def test_a_stop_string_that_never_comes_leaves_the_token_limit(engine: SteppingEngine) -> None:
    (completion,) = ask_one(engine, request(COUNTING, temperature=0.0, stop=("<end_of_step>",)))
    assert (completion.finish, completion.tokens) == (Finish.LENGTH, 12)


def test_the_prompts_tokens_are_counted_once(engine: SteppingEngine) -> None:
    (single,), several = ask(engine, [request(), request(n=3)])
    assert single.prompt_tokens == 9
    assert [completion.prompt_tokens for completion in several] == [9, 0, 0]


# What cannot be generated is an error of that request alone.


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (request("1 " * 8_191), "tokens"),
        (request(temperature=0.0, n=2), "one completion, 2 were asked for"),
        (request("\ud800"), "refused"),
    ],
    ids=["too long", "greedy twice", "no text"],
)
def test_a_refused_request_leaves_the_engine_working(
    engine: SteppingEngine, bad: Request, message: str
) -> None:
    async def both() -> list[list[Completion] | BaseException]:
        good = engine.generate(request())
        return await asyncio.gather(engine.generate(bad), good, return_exceptions=True)

    refused, answered = asyncio.run(both())
    assert isinstance(refused, EngineError) and message in str(refused)
    assert answered == ask_one(engine, request())


def test_a_caller_who_is_gone_does_not_stop_the_engine(engine: SteppingEngine) -> None:
    async def give_up() -> None:
        async with asyncio.timeout(0.05):
            await engine.generate(request(max_tokens=60))

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())  # its loop is closed when the engine wants to answer
    assert len(ask_one(engine, request())) == 1


def test_closing_ends_the_thread_and_answers_whoever_waits(start: Start) -> None:
    before = set(threading.enumerate())
    engine = start(max_sequences=1)
    (thread,) = set(threading.enumerate()) - before

    async def close_under_way() -> None:
        long = request(max_tokens=4000)
        running, in_line = (asyncio.create_task(engine.generate(long)) for _ in range(2))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(engine.close)
        async with asyncio.timeout(10):
            for waiting in (running, in_line):
                with pytest.raises(EngineError, match="closed"):
                    await waiting
            with pytest.raises(EngineError, match="closed"):
                await engine.generate(request())

    asyncio.run(close_under_way())
    assert not thread.is_alive()


# Log-probabilities.


def test_log_probabilities_change_no_text_and_are_left_out_unless_asked_for(
    engine: SteppingEngine,
) -> None:
    plain = ask(engine, mixed())
    told = ask(engine, [replace(each, logprobs=True) for each in mixed()])
    for before, after in zip(plain, told, strict=True):
        assert [c.text for c in before] == [c.text for c in after]
        assert all(c.logprob is None for c in before)
        assert all(c.logprob is not None and c.logprob <= 0 for c in after)


def test_a_log_probability_is_how_often_the_token_is_drawn_at_temperature_1(
    engine: SteppingEngine,
) -> None:
    requests = [request(n=16, seed=seed, max_tokens=1, logprobs=True) for seed in range(40)]
    drawn = [completion for each in ask(engine, requests) for completion in each]
    (common, count), *_ = Counter(completion.text for completion in drawn).most_common(1)
    (logprob,) = {completion.logprob for completion in drawn if completion.text == common}
    assert logprob is not None
    likely = math.exp(logprob)
    error = math.sqrt(likely * (1 - likely) / len(drawn))
    assert count / len(drawn) == pytest.approx(likely, abs=4 * error)
    # At another temperature the token is drawn more often, and its log-probability is the same.
    (colder,) = ask_one(engine, request(temperature=0.2, max_tokens=1, logprobs=True))
    assert (colder.text, colder.logprob) == (common, pytest.approx(logprob, abs=1e-4))
