"""Which engine a name stands for, and that an engine that could not be opened is closed."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import EMBEDDED, Checkpoint, find_checkpoint
from bench.engines import opening
from bench.errors import (
    BenchError,
    CheckpointError,
    EngineError,
    MissingExtraError,
    UnknownNameError,
)


def install(monkeypatch: pytest.MonkeyPatch, packages: Collection[str]) -> None:
    """Let exactly these packages be there."""
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: object() if name in packages else None
    )


@pytest.mark.parametrize(
    ("installed", "engine"),
    [
        (("openvino_genai", "vllm"), "invariant"),
        (("vllm",), "vllm"),
        ((), "transformers"),
    ],
)
def test_auto_is_the_first_engine_that_is_installed(
    monkeypatch: pytest.MonkeyPatch, installed: Collection[str], engine: str
) -> None:
    install(monkeypatch, installed)
    assert opening.engine_for(find_checkpoint(EMBEDDED, "policy"), "auto") == engine


def test_a_named_engine_is_taken_whether_or_not_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, ())
    assert opening.engine_for(find_checkpoint(EMBEDDED, "policy"), "vllm") == "vllm"


@pytest.mark.parametrize("name", list(opening.ENGINES))
def test_what_an_engine_needs_is_asked_for_before_it_is_opened(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    install(monkeypatch, ())
    with pytest.raises(MissingExtraError, match="which is not installed. Install it with"):
        opening.require_engine(name)
    install(monkeypatch, ("openvino_genai", "vllm", "transformers", "httpx"))
    opening.require_engine(name)
    opening.require_scorer()


def test_auto_passes_over_an_engine_that_cannot_run_the_policy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(monkeypatch, ("openvino_genai",))
    policy = Checkpoint("qwen", "policy", tmp_path, {"kind": "policy"})
    assert opening.engine_for(policy, "auto") == "transformers"
    with pytest.raises(CheckpointError, match="choose the engine vllm, or transformers"):
        opening.engine_for(policy, "openvino")


def test_an_unknown_engine_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"(?s)'tensorrt'.*openvino.*transformers.*vllm"):
        opening.engine_for(find_checkpoint(EMBEDDED, "policy"), "tensorrt")


async def test_an_engine_whose_check_fails_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    class Broken:
        def __init__(self, weights: Path, *, name: str, turns: object) -> None:
            self.name = name

        async def verify_determinism(self) -> None:
            raise EngineError("no text came")

        def close(self) -> None:
            closed.append(self.name)

    monkeypatch.setattr(opening, "TransformersEngine", Broken)
    monkeypatch.setattr(opening, "full_weights", lambda policy: Path("weights"))
    checkpoint = Checkpoint("small", "policy", None, {})
    with pytest.raises(EngineError, match="no text came"):
        await opening.open_engine(checkpoint, "transformers")
    assert closed == ["small"]


def test_auto_never_asks_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("httpx", "openvino_genai"))
    assert opening.engine_for(find_checkpoint(EMBEDDED, "policy"), "auto") == "invariant"


def test_a_precision_is_for_engines_that_can_be_told() -> None:
    opening.check_precision("transformers", None)
    opening.check_precision("invariant", "int8")
    with pytest.raises(BenchError, match="--precision int8 is not for the engine 'openvino'"):
        opening.check_precision("openvino", "int8")
