"""The CPU engine on the embedded model: a request's text is its own, whatever runs beside it.

One engine serves the file. Each call has an event loop of its own, as an engine belongs to none.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.engines.base import Completion, Finish, Request
from bench.engines.openvino import MAX_PROMPT_TOKENS, OpenVINOEngine
from bench.errors import EngineError

pytestmark = pytest.mark.skipif(
    find_spec("openvino_genai") is None,
    reason="openvino_genai is not installed: pip install 'rstar-bench[cpu]'",
)

COUNTING = "one, two,\nthree, four,\none, two,\nthree, four,\none, two,\n"
"""What follows is plain to a small model: `three, four,` and so on."""


def request(prompt: str = "def add(a, b):\n    return", **changes: object) -> Request:
    fields = {"n": 1, "seed": 1, "temperature": 1.0, "max_tokens": 12, "stop": ()}
    return Request(prompt, **{**fields, **changes})  # type: ignore[arg-type]


def mixed() -> list[Request]:
    """Twelve requests that differ in everything a request has, greedy ones among them."""
    requests = []
    for i in range(12):
        greedy = i % 4 == 0
        requests.append(
            Request(
                prompt="# Sum the numbers.\n" * (1 + i % 5) + f"x{i} = ",
                n=1 if greedy else 1 + i % 3,
                seed=i,
                temperature=0.0 if greedy else 0.7 + 0.1 * (i % 3),
                max_tokens=4 + i % 5,
                stop=("# S", "=") if i % 2 else (),
            )
        )
    return requests


def ask(engine: OpenVINOEngine, requests: Sequence[Request]) -> list[list[Completion]]:
    """The completions of requests that are made at the same time."""

    async def gathered() -> list[list[Completion]]:
        return await asyncio.gather(*map(engine.generate, requests))

    return asyncio.run(gathered())


def ask_one(engine: OpenVINOEngine, one: Request) -> list[Completion]:
    return ask(engine, [one])[0]


@pytest.fixture(scope="module")
def engine(embedded_gguf: Path) -> Iterator[OpenVINOEngine]:
    started = OpenVINOEngine(embedded_gguf, name="smollm2")
    yield started
    started.close()


@pytest.fixture(scope="module")
def narrow(embedded_gguf: Path) -> Iterator[OpenVINOEngine]:
    """An engine with room for four sequences."""
    started = OpenVINOEngine(embedded_gguf, name="smollm2", max_sequences=4)
    yield started
    started.close()


@pytest.fixture(scope="module")
def alone(engine: OpenVINOEngine) -> list[list[Completion]]:
    """What each of the mixed requests gives when nothing else runs."""
    return [ask_one(engine, one) for one in mixed()]


# A request's text is a function of the request.


def test_a_request_gives_the_same_alone_and_in_a_batch(
    engine: OpenVINOEngine, alone: list[list[Completion]]
) -> None:
    assert ask(engine, mixed()) == alone


def test_the_order_of_arrival_does_not_matter(
    engine: OpenVINOEngine, alone: list[list[Completion]]
) -> None:
    assert ask(engine, mixed()[::-1])[::-1] == alone


def test_a_request_that_joins_a_running_batch_gives_the_same(
    engine: OpenVINOEngine, alone: list[list[Completion]]
) -> None:
    async def staggered() -> list[list[Completion]]:
        tasks = []
        for one in mixed():
            tasks.append(asyncio.create_task(engine.generate(one)))
            await asyncio.sleep(0.03)
        return await asyncio.gather(*tasks)

    assert asyncio.run(staggered()) == alone


def test_what_ran_before_does_not_matter(
    engine: OpenVINOEngine, alone: list[list[Completion]]
) -> None:
    ask(engine, [request("import math\n", n=4, seed=99, max_tokens=20)])
    assert ask_one(engine, mixed()[5]) == alone[5]


def test_the_candidates_of_a_request_differ(engine: OpenVINOEngine) -> None:
    texts = [completion.text for completion in ask_one(engine, request(n=4))]
    assert len(set(texts)) == 4


def test_different_seeds_give_different_texts(engine: OpenVINOEngine) -> None:
    first, second = ask(engine, [request(seed=1), request(seed=2)])
    assert first != second


def test_greedy_repeats_whatever_the_seed(engine: OpenVINOEngine) -> None:
    first, second = (ask_one(engine, request(temperature=0.0, seed=seed)) for seed in (1, 2))
    assert first == second


def test_verification_says_what_it_found(engine: OpenVINOEngine) -> None:
    assert "not verified" in engine.determinism
    asyncio.run(engine.verify_determinism())
    assert engine.determinism == "per request: equal alone and in a batch (verified at start)"


def test_products_in_bf16_keep_the_promise_that_was_found_to_hold(embedded_gguf: Path) -> None:
    rounding = OpenVINOEngine(embedded_gguf, name="smollm2", precision="bf16")
    try:
        asyncio.run(rounding.verify_determinism())
        if "per batch" in rounding.determinism:
            pytest.skip("here, texts in bf16 depend on their batch, and the run says so")
        alone = [ask_one(rounding, one) for one in mixed()]
        assert ask(rounding, mixed()[::-1])[::-1] == alone
    finally:
        rounding.close()


# Who gives up.


def test_requests_that_are_given_up_are_stopped_and_the_others_are_as_they_were(
    narrow: OpenVINOEngine, alone: list[list[Completion]], monkeypatch: pytest.MonkeyPatch
) -> None:
    long = request(COUNTING, temperature=0.0, max_tokens=4_000)
    steps: list[int] = []
    advance = narrow._advance

    def count(active: list[Any]) -> None:
        steps.append(len(active))
        advance(active)

    async def give_up() -> list[list[Completion]]:
        # Four take all the room, and four wait for it, before the others.
        given_up = [asyncio.create_task(narrow.generate(long)) for _ in range(8)]
        while len(steps) < 3:
            await asyncio.sleep(0.01)
        others = [asyncio.create_task(narrow.generate(one)) for one in mixed()]
        for task in given_up:
            task.cancel()
        return await asyncio.gather(*others)

    monkeypatch.setattr(narrow, "_advance", count)
    assert asyncio.run(give_up()) == alone
    assert len(steps) < long.max_tokens / 4


# Who is served first.


def test_the_lowest_order_is_served_first_and_texts_are_the_same(
    narrow: OpenVINOEngine, alone: list[list[Completion]]
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


def test_a_request_for_more_than_there_is_room_for_is_answered(narrow: OpenVINOEngine) -> None:
    several = [request(n=6, max_tokens=4), request(n=1, max_tokens=4), request(n=6, max_tokens=4)]
    assert [len(texts) for texts in ask(narrow, several)] == [6, 1, 6]


def test_a_refused_request_does_not_hold_up_those_behind_it(narrow: OpenVINOEngine) -> None:
    async def gathered() -> list[list[Completion] | BaseException]:
        good, bad = request(n=3, max_tokens=4), request(seed=-1)
        each = [good, bad, bad, replace(good, order=1)]
        return await asyncio.gather(*map(narrow.generate, each), return_exceptions=True)

    answers = asyncio.run(gathered())
    assert [isinstance(answer, EngineError) for answer in answers] == [False, True, True, False]


# Where a text ends.


@pytest.mark.parametrize("stop", [("ree,",), ("four", "ree,"), ("e, f", "our")])
def test_a_text_ends_with_the_first_stop_string_it_hits(
    engine: OpenVINOEngine, stop: tuple[str, ...]
) -> None:
    whole = request(COUNTING, temperature=0.0, max_tokens=16)
    (full,) = ask_one(engine, whole)
    (cut,) = ask_one(engine, request(COUNTING, temperature=0.0, max_tokens=16, stop=stop))
    assert cut.text == full.text[: min(full.text.index(s) + len(s) for s in stop if s in full.text)]
    assert cut.finish is Finish.STOP
    assert 0 < cut.tokens < 16


def test_a_stop_string_that_never_comes_leaves_the_token_limit(engine: OpenVINOEngine) -> None:
    (completion,) = ask_one(engine, request(COUNTING, temperature=0.0, stop=("<end_of_step>",)))
    assert (completion.finish, completion.tokens) == (Finish.LENGTH, 12)


def test_a_stop_string_that_would_lose_its_end_is_refused(engine: OpenVINOEngine) -> None:
    with pytest.raises(EngineError, match=r"',\\n' ends in white space"):
        ask_one(engine, request(COUNTING, stop=(",\n",)))


def test_the_prompts_tokens_are_counted_once(engine: OpenVINOEngine) -> None:
    (single,), several = ask(engine, [request(), request(n=3)])
    assert single.prompt_tokens == 9
    assert [completion.prompt_tokens for completion in several] == [9, 0, 0]


# What cannot be generated is an error of that request alone.


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (request("1 " * MAX_PROMPT_TOKENS), f"more than {MAX_PROMPT_TOKENS} tokens"),
        (request(temperature=0.0, n=2), "one completion, 2 were asked for"),
        (request("\ud800"), "refused"),
        (request(seed=-1), "refused"),
    ],
    ids=["too long", "greedy twice", "no text", "no seed"],
)
def test_a_refused_request_leaves_the_engine_working(
    engine: OpenVINOEngine, bad: Request, message: str
) -> None:
    async def both() -> list[list[Completion] | BaseException]:
        good = engine.generate(request())
        return await asyncio.gather(engine.generate(bad), good, return_exceptions=True)

    refused, answered = asyncio.run(both())
    assert isinstance(refused, EngineError) and message in str(refused)
    assert answered == ask_one(engine, request())


def test_a_caller_who_is_gone_does_not_stop_the_engine(engine: OpenVINOEngine) -> None:
    async def give_up() -> None:
        async with asyncio.timeout(0.05):
            await engine.generate(request(max_tokens=60))

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())  # its loop is closed when the engine wants to answer
    assert len(ask_one(engine, request())) == 1


def test_an_engine_that_keeps_prefixes_says_that_texts_depend_on_them(embedded_gguf: Path) -> None:
    keeping = OpenVINOEngine(embedded_gguf, name="smollm2", prefix_caching=True)
    try:
        asyncio.run(keeping.verify_determinism())
        assert keeping.determinism.startswith("none: a text depends on what was computed before")
        prompt = "# Count.\n" + COUNTING * 8
        (first,) = ask(keeping, [request(prompt, temperature=0.0)])[0]
        (again,) = ask(keeping, [request(prompt + first.text, temperature=0.0)])[0]
        assert first.text and again.text
    finally:
        keeping.close()


def test_a_failure_of_the_pipeline_is_told_to_those_it_ran_and_the_line_goes_on(
    embedded_gguf: Path,
) -> None:
    engine = OpenVINOEngine(embedded_gguf, name="smollm2", max_sequences=1)
    pipeline, steps = engine._pipeline, iter(range(1_000))

    class Failing:
        """The pipeline, whose third step fails."""

        def step(self) -> None:
            if next(steps) == 2:
                raise RuntimeError("no such kernel")
            pipeline.step()

        def __getattr__(self, name: str) -> Any:
            return getattr(pipeline, name)

    engine._pipeline = Failing()

    async def gathered() -> list[list[Completion] | BaseException]:
        several = (request(order=order) for order in range(3))
        return await asyncio.gather(*map(engine.generate, several), return_exceptions=True)

    try:
        failed, *answered = asyncio.run(gathered())
        assert isinstance(failed, EngineError) and "no such kernel" in str(failed)
        assert answered == [ask_one(engine, request())] * 2
    finally:
        engine.close()


@pytest.mark.parametrize("keep", [False, True])
def test_the_pipeline_keeps_prefixes_only_where_asked(
    embedded_gguf: Path, monkeypatch: pytest.MonkeyPatch, keep: bool
) -> None:
    def refuse(gguf: str, tokenizer: object, scheduler: Any, *rest: object, **more: object) -> None:
        raise RuntimeError(f"asked to keep: {scheduler.enable_prefix_caching}")

    monkeypatch.setattr("openvino_genai.ContinuousBatchingPipeline", refuse)
    with pytest.raises(EngineError, match=f"asked to keep: {keep}"):
        OpenVINOEngine(embedded_gguf, name="smollm2", prefix_caching=keep)


def test_a_file_that_is_no_model_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF but not really")
    with pytest.raises(EngineError, match=r"cannot load x\.gguf"):
        OpenVINOEngine(tmp_path / "x.gguf", name="x")


def test_closing_ends_the_thread_and_answers_whoever_waits(embedded_gguf: Path) -> None:
    before = set(threading.enumerate())
    engine = OpenVINOEngine(embedded_gguf, name="smollm2", max_sequences=1)
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
    engine: OpenVINOEngine,
) -> None:
    plain = ask(engine, mixed())
    told = ask(engine, [replace(each, logprobs=True) for each in mixed()])
    for before, after in zip(plain, told, strict=True):
        assert [c.text for c in before] == [c.text for c in after]
        assert all(c.logprob is None for c in before)
        assert all(c.logprob is not None and c.logprob <= 0 for c in after)


def test_a_log_probability_is_how_often_the_token_is_drawn_at_temperature_1(
    engine: OpenVINOEngine,
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
