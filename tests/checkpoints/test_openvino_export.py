"""OpenVINO's own files of a policy give the texts that its GGUF does, with weights held once."""

from __future__ import annotations

import asyncio
import shutil
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.checkpoints.checkpoint import find_checkpoint, newest_policy, published_checkpoints
from bench.checkpoints.openvino_export import WEIGHTS, widen, write_openvino
from bench.checkpoints.weights import cached_values, gguf, openvino_folder, parameters
from bench.engines.base import Completion, Request
from bench.engines.openvino import OpenVINOEngine
from bench.errors import CheckpointError

pytestmark = pytest.mark.skipif(
    find_spec("openvino_genai") is None,
    reason="openvino_genai is not installed: pip install 'rstar-bench[cpu]'",
)


def test_a_file_that_is_no_model_is_named_and_leaves_no_model(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF but not really")
    (tmp_path / "out").mkdir()
    with pytest.raises(CheckpointError, match=r"could not write x\.gguf as its own model"):
        write_openvino(tmp_path / "x.gguf", tmp_path / "out")


def test_a_disk_without_room_for_a_model_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF but not really")
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=37))
    with pytest.raises(OSError, match="No space left on device"):
        write_openvino(tmp_path / "x.gguf", tmp_path / "out")


def test_what_fp16_has_rounded_is_put_right_and_what_nobody_knows_is_refused() -> None:
    exact = (np.float32(1) / (100_000.0 ** (np.arange(32) / 32)).astype(np.float32))[None, :, None]
    rounded = exact.astype(np.float16)
    assert not np.array_equal(rounded, exact)
    assert np.array_equal(widen(rounded, 100_000.0), exact)
    weights = np.array([[0.1, -3.0]], np.float16)
    assert np.array_equal(widen(weights, 100_000.0), weights.astype(np.float32))
    assert widen(np.array(-65504, np.float16), 100_000.0) == -65504
    with pytest.raises(CheckpointError, match="not the one that was expected"):
        widen(rounded, 10_000.0)
    with pytest.raises(CheckpointError, match="not known exactly: 0.125"):
        widen(np.array(0.125, np.float16), 100_000.0)


def test_the_embedded_model_is_computed_with_as_it_is() -> None:
    embedded = find_checkpoint("smollm2", "policy")
    assert openvino_folder(embedded) is None
    assert cached_values(embedded) == 11_520


def generate(model: Path | None, file: Path) -> list[list[Completion]]:
    prompts = [f"# Count to {i}.\n" * (1 + i % 3) for i in range(6)]
    requests = [Request(prompt, 1, 0, 0.0, 24, ()) for prompt in prompts]
    requests += [Request(prompt, 3, i, 1.0, 24, (), True) for i, prompt in enumerate(prompts)]
    engine = OpenVINOEngine(file, name="x", model=model)
    try:

        async def gathered() -> list[list[Completion]]:
            return await asyncio.gather(*map(engine.generate, requests))

        return asyncio.run(gathered())
    finally:
        engine.close()


@pytest.mark.slow
@pytest.mark.skipif(not published_checkpoints("policy"), reason="no policy is published")
def test_a_policys_own_files_give_the_texts_of_its_gguf_to_the_last_character() -> None:
    policy = newest_policy()
    folder = openvino_folder(policy)
    assert folder is not None
    assert (folder / WEIGHTS).stat().st_size > 4 * parameters(policy)
    assert generate(folder, gguf(policy)) == generate(None, gguf(policy))
