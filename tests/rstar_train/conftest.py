"""What the training tests share: tiny models with the embedded model's tokenizer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tiny


@pytest.fixture(scope="session")
def tiny_policy(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random language model of a few thousand weights, with the real tokenizer."""
    pytest.importorskip("torch")
    return tiny.policy(tmp_path_factory.mktemp("policy"), tokenizer_folder)
