"""The engine that runs anywhere, on a tiny random model: seeds, stop strings, honest sampling."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.engines.base import Completion, Finish, Request
from bench.engines.transformers import TransformersEngine
from bench.errors import DeadEngineError, EngineError
from tests import tiny

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason="torch or transformers is not installed: pip install 'rstar-bench[cpu]'",
)


def request(prompt: str = "x = 1\n", **changes: object) -> Request:
    fields = {"n": 1, "seed": 1, "temperature": 1.0, "max_tokens": 8, "stop": ()}
    return Request(prompt, **{**fields, **changes})  # type: ignore[arg-type]


def ask(engine: TransformersEngine, requests: Sequence[Request]) -> list[list[Completion]]:
    """The completions of requests that are made at the same time."""

    async def gathered() -> list[list[Completion]]:
        return await asyncio.gather(*map(engine.generate, requests))

    return asyncio.run(gathered())


def ask_one(engine: TransformersEngine, one: Request) -> list[Completion]:
    return ask(engine, [one])[0]


@pytest.fixture(scope="module")
def folder(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.policy(tmp_path_factory.mktemp("policy"), tokenizer_folder)


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[TransformersEngine]:
    started = TransformersEngine(folder, name="tiny")
    yield started
    started.close()


def test_memory_that_runs_out_ends_the_run(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> object:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB")

    monkeypatch.setattr(engine._model, "generate", fail)
    with pytest.raises(DeadEngineError, match="the engine of tiny ran out of memory"):
        ask_one(engine, request())
    monkeypatch.undo()
    assert len(ask_one(engine, request())) == 1


# A request's text is a function of the request.


def test_a_request_gives_the_same_alone_in_company_and_in_any_order(
    engine: TransformersEngine,
) -> None:
    requests = [
        request(f"x{i} = ", n=1 + i % 3, seed=i, max_tokens=4 + i, stop=("a",)) for i in range(6)
    ]
    alone = [ask_one(engine, one) for one in requests]
    assert ask(engine, requests) == alone
    assert ask(engine, requests[::-1])[::-1] == alone


def test_candidates_and_seeds_differ(engine: TransformersEngine) -> None:
    first, second = ask(engine, [request(n=3, seed=1), request(n=3, seed=2)])
    assert len({completion.text for completion in (*first, *second)}) == 6


def test_a_candidate_does_not_depend_on_how_many_are_asked_for(engine: TransformersEngine) -> None:
    # With a stop string that ends the rows at different lengths, which pads all but the longest.
    two, four = ask(engine, [request(n=n, max_tokens=12, stop=("e",)) for n in (2, 4)])
    assert four[:2] == two
    assert len({completion.tokens for completion in four}) > 1


def test_greedy_repeats_whatever_the_seed(engine: TransformersEngine) -> None:
    first, second = ask(engine, [request(temperature=0.0, seed=seed) for seed in (1, 2)])
    assert first == second


def test_greedy_gives_one_completion_only(engine: TransformersEngine) -> None:
    with pytest.raises(EngineError, match="one completion, 2 were asked for"):
        ask_one(engine, request(temperature=0.0, n=2))


# Where a text ends, and what it cost.


def test_a_text_ends_with_the_stop_string_it_hits(engine: TransformersEngine) -> None:
    (full,) = ask_one(engine, request())
    stop = full.text[len(full.text) // 2 :][:3]
    (cut,) = ask_one(engine, request(stop=("<end_of_step>", stop)))
    assert cut.text == full.text[: full.text.index(stop) + len(stop)]
    assert cut.finish is Finish.STOP
    assert 0 < cut.tokens < full.tokens


def test_a_stop_string_that_never_comes_leaves_the_token_limit(engine: TransformersEngine) -> None:
    (completion,) = ask_one(engine, request(stop=("<end_of_step>",)))
    assert (completion.finish, completion.tokens) == (Finish.LENGTH, 8)


def test_any_end_token_of_the_model_ends_the_text(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    ids = tokenizer("x = 1\n", add_special_tokens=False, return_tensors="pt")["input_ids"]
    third = int(model.generate(ids, max_new_tokens=3, do_sample=False)[0, -1])
    model.generation_config.eos_token_id = [tiny.END, third]
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    engine = TransformersEngine(tmp_path, name="tiny")
    (completion,) = ask_one(engine, request(temperature=0.0))
    engine.close()
    assert (completion.finish, completion.tokens) == (Finish.STOP, 3)


def test_the_prompts_tokens_are_counted_once(engine: TransformersEngine) -> None:
    counts = [completion.prompt_tokens for completion in ask_one(engine, request(n=3))]
    assert counts == [5, 0, 0]


# What is drawn.


def test_draws_follow_the_softmax(folder: Path, engine: TransformersEngine) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    draws, temperature = 400, 0.2
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    ids = tokenizer("x = 1\n", add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        likely = torch.softmax(model(ids).logits[0, -1].float() / temperature, -1)
    chance, top = (float(value) for value in likely.max(-1))
    assert 0.1 < chance < 0.9  # else the test could not tell a draw from an argmax
    asked = request(n=draws, max_tokens=1, temperature=temperature)
    texts = [completion.text for completion in ask_one(engine, asked)]
    hits = texts.count(tokenizer.decode([int(top)]))
    sigma = math.sqrt(draws * chance * (1 - chance))
    assert abs(hits - draws * chance) < 5 * sigma


# What cannot be done is an error that says so.


def test_a_folder_without_a_model_is_an_engine_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot load"):
        TransformersEngine(tmp_path, name="nothing")


def test_a_closed_engine_is_an_engine_error(folder: Path) -> None:
    engine = TransformersEngine(folder, name="tiny")
    engine.close()
    with pytest.raises(EngineError, match="while generating"):
        ask_one(engine, request())


# Log-probabilities.


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_a_log_probability_is_the_models_own_mean_over_the_tokens_drawn(
    engine: TransformersEngine, folder: Path, temperature: float
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    asked = request(temperature=temperature, n=1 if temperature == 0 else 3, logprobs=True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompt = tokenizer(asked.prompt)["input_ids"]
    checked = 0
    for completion in ask_one(engine, asked):
        ids = [*prompt, *tokenizer(completion.text, add_special_tokens=False)["input_ids"]]
        if len(ids) != len(prompt) + completion.tokens:
            continue  # a random model's text is not always read back as the tokens it was
        with torch.inference_mode():
            logits = model(torch.tensor([ids])).logits[0]  # (T, vocabulary)
        steps = torch.log_softmax(logits[len(prompt) - 1 : -1], dim=-1)  # (T', vocabulary)
        means = steps.gather(1, torch.tensor(ids[len(prompt) :])[:, None]).mean()
        assert completion.logprob == pytest.approx(float(means), rel=0.01)  # the engine is bf16
        checked += 1
    assert checked
    (plain, *_) = ask_one(engine, request(temperature=temperature))
    assert plain.logprob is None
