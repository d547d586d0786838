"""OpenVINO's own batching on the embedded model: what is asked of it, and what it cannot do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.engines.base import Completion
from bench.engines.openvino import OpenVINOEngine
from bench.errors import EngineError
from tests.engines.asking import COUNTING, ask, ask_one, mixed, request

pytestmark = pytest.mark.skipif(
    find_spec("openvino_genai") is None,
    reason="openvino_genai is not installed: pip install 'rstar-bench[cpu]'",
)


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


def test_a_refused_request_does_not_hold_up_those_behind_it(narrow: OpenVINOEngine) -> None:
    async def gathered() -> list[list[Completion] | BaseException]:
        good, bad = request(n=3, max_tokens=4), request(seed=-1)
        each = [good, bad, bad, replace(good, order=1)]
        return await asyncio.gather(*map(narrow.generate, each), return_exceptions=True)

    answers = asyncio.run(gathered())
    assert [isinstance(answer, EngineError) for answer in answers] == [False, True, True, False]


def test_a_stop_string_that_would_lose_its_end_is_refused(engine: OpenVINOEngine) -> None:
    with pytest.raises(EngineError, match=r"',\\n' ends in white space"):
        ask_one(engine, request(COUNTING, stop=(",\n",)))


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
