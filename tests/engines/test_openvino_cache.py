"""The CPU engine on a pipeline that only counts: what is let in, and what its death does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.engines.base import Completion, Request
from bench.engines.memory import BLOCK, count_blocks
from bench.engines.openvino import OpenVINOEngine
from bench.errors import DeadEngineError, EngineError

POOL = 20
RUNNING, FINISHED = "running", "finished"


@dataclass(eq=False)
class Handle:
    """A request in the pipeline, which ends after as many steps as it may have tokens."""

    prompt_tokens: int
    config: Any
    steps: int = 0
    stopped: bool = False

    def get_status(self) -> str:
        ended = self.stopped or self.steps >= self.config.max_new_tokens
        return FINISHED if ended else RUNNING

    def stop(self) -> None:
        self.stopped = True

    def read_all(self) -> list[Any]:
        output = SimpleNamespace(generated_ids=[1] * self.steps, finish_reason="length")
        return [output] * self.config.num_return_sequences


@dataclass
class Pipeline:
    """Counts the blocks that its requests hold; fails at a step where it is told to."""

    blocks: int = 0
    most: int = 0
    handles: list[Handle] = field(default_factory=list)
    failures: dict[int, BaseException] = field(default_factory=dict)
    steps: int = 0

    def add_request(self, number: int, prompt: Any, config: Any) -> Handle:
        tokens = 1 if isinstance(prompt, str) else prompt.shape[1]
        self.handles.append(Handle(tokens, config))
        return self.handles[-1]

    def step(self) -> None:
        self.steps += 1
        if self.steps in self.failures:
            raise self.failures[self.steps]
        running = [each for each in self.handles if each.get_status() == RUNNING]
        for each in running:
            each.steps += 1
        held = (
            count_blocks(each.prompt_tokens, each.config.num_return_sequences, each.steps)
            for each in running
            if not each.config.ignore_eos  # the ballast has blocks of its own
        )
        self.most = max(self.most, sum(held))

    def has_non_finished_requests(self) -> bool:
        return any(each.get_status() == RUNNING for each in self.handles)


class Tokenizer:
    """Each letter is a token."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def encode(self, text: str, **_: Any) -> Any:
        return SimpleNamespace(input_ids=SimpleNamespace(shape=(1, len(text))))

    def decode(self, ids: list[int], **_: Any) -> str:
        return "x" * len(ids)

    def get_eos_token_id(self) -> int:
        return 0


class Config(SimpleNamespace):
    """Whatever is set."""

    num_return_sequences = 1

    def set_eos_token_id(self, token: int) -> None:
        pass


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    made = Pipeline()

    def make(path: str, tokenizer: Tokenizer, scheduler: Any, *_: Any, **__: Any) -> Pipeline:
        made.blocks = scheduler.num_kv_blocks
        return made

    module = SimpleNamespace(
        Tokenizer=Tokenizer,
        SchedulerConfig=SimpleNamespace,
        GenerationConfig=Config,
        ContinuousBatchingPipeline=make,
        GenerationStatus=SimpleNamespace(RUNNING=RUNNING),
        GenerationFinishReason=SimpleNamespace(LENGTH="length"),
    )
    monkeypatch.setitem(sys.modules, "openvino_genai", module)
    return made


@pytest.fixture
def engine(pipeline: Pipeline) -> Iterator[OpenVINOEngine]:
    started = OpenVINOEngine(Path("x.gguf"), name="x", pool_blocks=POOL)
    yield started
    started.close()


def request(n: int = 2, tokens: int = 4, prompt: int = 40) -> Request:
    return Request("p" * prompt, n, 1, 1.0, tokens, ())


async def ask(engine: OpenVINOEngine, *asked: Request) -> list[list[Completion] | BaseException]:
    async with asyncio.timeout(20):
        return await asyncio.gather(*map(engine.generate, asked), return_exceptions=True)


async def test_no_more_is_let_in_than_the_cache_holds_if_all_go_on_to_their_limit(
    engine: OpenVINOEngine, pipeline: Pipeline
) -> None:
    answers = await ask(engine, *(request(n=n, tokens=t) for n in (1, 2, 3) for t in (4, 40, 60)))
    assert all(isinstance(answer, list) for answer in answers)
    assert 10 < pipeline.most <= POOL < pipeline.blocks


async def test_what_would_never_fit_is_refused_and_said_in_tokens(engine: OpenVINOEngine) -> None:
    refused, answered = await ask(engine, request(n=10**12), request())
    assert isinstance(refused, EngineError)
    assert "1000000000000 candidates" in str(refused)
    assert f"and {POOL * BLOCK} are there; ask for fewer at once" in str(refused)
    assert isinstance(answered, list) and len(answered) == 2


@pytest.mark.parametrize(
    "failure", [MemoryError("std::bad_alloc"), RuntimeError("mmap: out of memory"), KeyError("x")]
)
async def test_an_engine_that_dies_says_so_to_all_who_wait_and_to_all_who_come_later(
    engine: OpenVINOEngine, pipeline: Pipeline, failure: Exception
) -> None:
    pipeline.failures[2] = failure
    for errors in (await ask(engine, *[request()] * 9), await ask(engine, request())):
        assert all(isinstance(error, DeadEngineError) for error in errors), errors
        assert len({id(error) for error in errors}) == len(errors)
    engine._thread.join(timeout=20)  # those who wait are told before the thread ends
    assert not engine._thread.is_alive()
    engine.close()
    assert isinstance((await ask(engine, request()))[0], DeadEngineError)


async def test_a_failure_of_another_kind_is_that_of_those_it_ran(
    engine: OpenVINOEngine, pipeline: Pipeline
) -> None:
    pipeline.failures[1] = RuntimeError("a kernel failed")
    (failed,) = await ask(engine, request())
    assert isinstance(failed, EngineError) and "a kernel failed" in str(failed)
    assert isinstance((await ask(engine, request()))[0], list)


async def test_a_closed_engine_holds_no_pipeline(
    engine: OpenVINOEngine, pipeline: Pipeline
) -> None:
    await ask(engine, request())
    engine.close()
    assert engine._pipeline is None
    (refused,) = await ask(engine, request())
    assert isinstance(refused, EngineError) and "closed" in str(refused)
