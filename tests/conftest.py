"""What many tests share: the embedded model where it is installed, and its tokenizer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.checkpoints import embedded
from bench.errors import CheckpointError


@pytest.fixture(scope="session")
def embedded_gguf() -> Path:
    """The embedded model's file; tests that need it are skipped, with the reason, without it."""
    try:
        return embedded.gguf_path()
    except CheckpointError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def tokenizer_folder(embedded_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded model's tokenizer as Hugging Face files; reading the GGUF takes 3 s."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer = transformers.AutoTokenizer.from_pretrained(
        embedded_gguf.parent, gguf_file=embedded_gguf.name
    )
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the weights that trainings derive for one test: 1.3 GB of each policy would stay."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(folder))
    yield
    shutil.rmtree(folder, ignore_errors=True)
