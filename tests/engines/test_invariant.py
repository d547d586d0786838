"""The batch-invariant engine: what is known is used again, and changes nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import EMBEDDED, find_checkpoint
from bench.checkpoints.weights import full_weights
from bench.engines.base import Completion, Request
from bench.engines.determinism import TOGETHER
from bench.engines.invariant import InvariantEngine
from bench.engines.memory import BLOCK
from bench.errors import DeadEngineError, EngineError
from tests.engines.asking import COUNTING, ask, ask_one, mixed, request

pytestmark = pytest.mark.skipif(
    find_spec("openvino_genai") is None,
    reason="openvino_genai is not installed: pip install 'rstar-bench[cpu]'",
)
Start = Callable[..., InvariantEngine]


@pytest.fixture(scope="module")
def start(start_invariant: Start) -> Start:
    return start_invariant


@pytest.fixture(scope="module")
def engine(start: Start) -> Iterator[InvariantEngine]:
    started = start()
    yield started
    started.close()


def grow(engine: InvariantEngine, seed: int) -> list[Request]:
    """Requests of a tree: prompts that go on from what came of others, with something between."""
    draw = random.Random(seed)
    prompts = [f"# Problem {i}.\n{COUNTING * (1 + i)}" for i in range(3)]
    asked = []
    for depth in range(3):
        level = [
            request(each, n=2, seed=depth, max_tokens=draw.randrange(3, 40)) for each in prompts
        ]
        asked += level
        grown = [
            one.prompt + draw.choice(answer).text + f"\n# {draw.randrange(9)}\n"
            for one, answer in zip(level, ask(engine, level), strict=True)
        ]
        prompts = grown
    return asked


def test_a_tree_is_the_same_whether_or_not_its_beginnings_are_kept(engine: InvariantEngine) -> None:
    asked = grow(engine, 1)
    before = engine.reused_tokens
    kept = ask(engine, asked)
    assert engine.reused_tokens - before > 4 * BLOCK
    engine._blocks.forget()
    afresh = [ask_one(engine, one) for one in asked[::-1]][::-1]
    assert afresh == kept


def test_a_cache_that_is_written_over_all_the_time_changes_no_text(
    start: Start, engine: InvariantEngine
) -> None:
    asked = grow(engine, 2)
    wanted = ask(engine, asked)
    small = start(pool_blocks=24, max_sequences=8)
    try:
        for each in (asked, asked[::-1], asked):
            found = dict(zip(map(repr, each), (ask(small, each)), strict=True))
            assert [found[repr(one)] for one in asked] == wanted
    finally:
        small.close()


@pytest.mark.parametrize("at_once", [1, 8, 64])
def test_texts_are_the_same_at_any_concurrency(engine: InvariantEngine, at_once: int) -> None:
    asked = [replace(one, seed=i) for i in range(6) for one in mixed()]

    async def limited() -> list[list[Completion]]:
        limit = asyncio.Semaphore(at_once)

        async def one(request: Request) -> list[Completion]:
            async with limit:
                return await engine.generate(request)

        return await asyncio.gather(*map(one, asked))

    found = asyncio.run(limited())
    assert found == (ask(engine, asked))


def test_a_prompt_longer_than_a_pass_is_computed_in_parts(engine: InvariantEngine) -> None:
    long = request("# " + COUNTING * 25, n=2, max_tokens=6)
    whole = ask_one(engine, long)
    assert whole[0].prompt_tokens > 256
    others = [request(f"# {i}\n", max_tokens=30, seed=i) for i in range(8)]
    engine._blocks.forget()
    assert (ask(engine, [*others, long])[-1:]) == [whole]


def test_a_candidate_does_not_depend_on_how_many_are_asked_for(engine: InvariantEngine) -> None:
    two, four = ask(engine, [request(n=n) for n in (2, 4)])
    assert [one.text for one in four[:2]] == [one.text for one in two]


def test_in_fp32_greedy_texts_are_those_of_transformers(start: Start) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = full_weights(find_checkpoint(EMBEDDED, "policy"))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompt = COUNTING * 3
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    wanted = model.generate(ids, do_sample=False, max_new_tokens=16)[0, ids.shape[1] :]
    engine = start(precision="f32")
    (found,) = ask_one(engine, request(prompt, temperature=0.0, max_tokens=16))
    engine.close()
    assert found.text == tokenizer.decode(wanted)


def test_what_was_found_on_this_machine_is_said_with_the_precision(engine: InvariantEngine) -> None:
    asyncio.run(engine.verify_determinism())
    assert engine.determinism.startswith("per ")
    assert engine.determinism.endswith(
        f"(verified at start); products in {engine._model.precision} (the fastest here)"
    )


@pytest.mark.parametrize("precision", ["f32", "int8"])
def test_every_precision_keeps_the_promise(start: Start, precision: str) -> None:
    other = start(precision=precision)
    try:
        alone = [ask_one(other, one) for one in mixed()]
        assert ask(other, mixed()[::-1])[::-1] == alone
        asyncio.run(other.verify_determinism())
        assert other.determinism.endswith(f"products in {precision} (as asked for)")
    finally:
        other.close()


def test_texts_that_depend_on_their_batch_are_computed_in_fp32_from_then_on(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter(["per batch: so it was found", TOGETHER])

    async def probe(engine: object) -> str:
        return next(found)

    monkeypatch.setattr("bench.engines.invariant.probe", probe)
    monkeypatch.setattr("bench.engines.invariant.fastest_precision", lambda: "bf16")
    other = start()
    try:
        asyncio.run(other.verify_determinism())
        why = "in bf16 texts depended on their batch"
        assert other.determinism == f"{TOGETHER}; products in f32 ({why})"
        assert len(ask_one(other, request())) == 1
    finally:
        other.close()


def test_a_prompt_that_is_computed_whole_gives_the_text_of_one_that_is_known(start: Start) -> None:
    other = start()
    try:
        first = ask_one(other, request(COUNTING * 3))
        known = other.reused_tokens
        other.looks_up = False
        assert ask_one(other, request(COUNTING * 3)) == first
        assert other.reused_tokens == known
        other.looks_up = True
        assert ask_one(other, request(COUNTING * 3)) == first
        assert other.reused_tokens > known
    finally:
        other.close()


def test_guessed_tokens_save_steps_and_change_no_text(engine: InvariantEngine) -> None:
    asked = [
        *mixed(),
        *(replace(one, logprobs=True, max_tokens=40) for one in mixed()),
        request(COUNTING * 3, temperature=0.0, max_tokens=30),
        request(COUNTING * 3, temperature=0.0, max_tokens=30, stop=("\n",)),
        request(COUNTING * 3, temperature=0.7, max_tokens=17, n=3, stop=("four", "one")),
    ]
    engine.forget()
    engine.guesses = False
    before = engine.steps
    wanted = [ask_one(engine, one) for one in asked]
    unguessed = engine.steps - before
    engine.guesses = True
    try:
        for found in (
            [ask_one(engine, one) for one in asked],
            ask(engine, asked),
            ask(engine, asked[::-1])[::-1],
        ):
            assert found == wanted
        before, right = engine.steps, engine.guessed_right
        assert [ask_one(engine, one) for one in asked] == wanted
        assert engine.guessed_right - right > 50
        assert engine.steps - before < unguessed - 50
        assert engine.guessed_right <= engine.guessed
    finally:
        engine.forget()


def test_wrong_guesses_change_no_text(engine: InvariantEngine) -> None:
    asked = [request(COUNTING * 2, seed=seed, n=2, max_tokens=20) for seed in range(4)]
    wanted = ask(engine, asked)
    learnt, right = engine._drafter, engine.guessed_right
    draw = random.Random(3)

    class Wrong:
        def guess(self, ids: list[int], *, most: int, least: float) -> list[int]:
            return [draw.randrange(1, 40_000) for _ in range(draw.randrange(most + 1))]

        def learn(self, ids: list[int], start: int, *, written: bool) -> None: ...

    engine._drafter = Wrong()  # type: ignore[assignment]
    try:
        assert ask(engine, asked) == wanted
        assert [ask_one(engine, one) for one in asked] == wanted
        assert engine.guessed_right - right < 20
        # And nothing wrong was kept for known.
        assert ask(engine, [replace(one, n=3) for one in asked])[0][:1] == wanted[0][:1]
    finally:
        engine._drafter = learnt


def test_an_empty_prompt_is_refused(engine: InvariantEngine) -> None:
    with pytest.raises(EngineError, match="the prompt is empty"):
        ask_one(engine, request(""))


def test_a_failure_is_told_to_those_it_met_and_gives_their_room_back(
    start: Start, engine: InvariantEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = start(pool_blocks=8, max_sequences=4)
    compute = small._model.compute

    def fail(*_: object) -> object:
        monkeypatch.setattr(small._model, "compute", compute)
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(small._model, "compute", fail)
    try:
        for _ in range(3):
            with pytest.raises(EngineError, match="no such kernel"):
                ask_one(small, request(n=4))
            monkeypatch.setattr(small._model, "compute", fail)
        monkeypatch.setattr(small._model, "compute", compute)
        assert len(ask_one(small, request(n=4))) == 4
        # What was to be computed when it failed is not taken for known.
        long = request(COUNTING * 3, max_tokens=4)
        monkeypatch.setattr(small._model, "compute", fail)
        with pytest.raises(EngineError, match="no such kernel"):
            ask_one(small, long)
        assert ask_one(small, long) == ask_one(engine, long)
    finally:
        small.close()


@pytest.mark.parametrize(
    "failure", [MemoryError("std::bad_alloc"), RuntimeError("mmap: out of memory")]
)
def test_memory_that_runs_out_ends_the_engine_for_all_who_ask(
    start: Start, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    small = start(pool_blocks=16, max_sequences=4)

    def fail(*_: object) -> object:
        raise failure

    async def gathered(asked: list[Request]) -> list[object]:
        return await asyncio.gather(*map(small.generate, asked), return_exceptions=True)

    monkeypatch.setattr(small._model, "compute", fail)
    try:
        for errors in (asyncio.run(gathered([request(n=2)] * 5)) for _ in range(2)):
            assert all(isinstance(error, DeadEngineError) for error in errors), errors
            assert "ran out of memory" in str(errors[0])
    finally:
        small.close()


def test_a_folder_that_holds_no_model_is_an_engine_error(tmp_path: Path, start: Start) -> None:
    with pytest.raises(EngineError, match="cannot load"):
        InvariantEngine(
            tmp_path,
            full_weights(find_checkpoint(EMBEDDED, "policy")),
            name="x",
            positions=64,
            pool_blocks=8,
        )
