"""Checkpoints by name or folder: what is found, what is refused, and what a digest covers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.engines import checkpoints, embedded
from bench.errors import CheckpointError, UnknownNameError


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of published checkpoints."""
    monkeypatch.setenv("RSTAR_CHECKPOINTS", str(tmp_path / "checkpoints"))
    return tmp_path / "checkpoints" / "smollm2-135m"


def adapter(
    folder: Path, kind: str = "policy", *, parent: str = "smollm2", weights: bytes = b"weights"
) -> Path:
    """Write the files of an adapter; nothing here reads the weights."""
    folder.mkdir(parents=True)
    lineage = {"kind": kind, "name": folder.name, "parent": parent, "template": "rstar"}
    (folder / "lineage.json").write_text(json.dumps(lineage))
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(weights)
    return folder


# By name.


def test_the_embedded_model_needs_no_folder() -> None:
    found = checkpoints.find("smollm2", "policy")
    assert (found.adapter, found.parent, found.template) == (None, None, "few-shot")
    assert found.digest == embedded.SHA256[:16]


def test_a_published_round_is_found_by_its_number(published: Path) -> None:
    adapter(published / "round-1" / "policy")
    found = checkpoints.find("smollm2-r1", "policy")
    assert (found.name, found.template) == ("smollm2-r1", "rstar")
    assert found.parent is not None and found.parent.name == "smollm2"


def test_rounds_are_listed_by_number_the_newest_last(published: Path) -> None:
    for number in (10, 2, 1):
        adapter(published / f"round-{number}" / "ppm", "ppm")
    assert list(checkpoints.known("ppm")) == ["smollm2-r1", "smollm2-r2", "smollm2-r10"]
    assert checkpoints.known("policy") == {}


def test_without_a_published_policy_the_newest_is_the_embedded_model(published: Path) -> None:
    assert checkpoints.newest_policy().name == "smollm2"


def test_an_unknown_policy_lists_the_close_ones(published: Path) -> None:
    adapter(published / "round-1" / "policy")
    with pytest.raises(UnknownNameError) as caught:
        checkpoints.find("smollm2-r9", "policy")
    assert "unknown policy 'smollm2-r9'; did you mean 'smollm2-r1'" in str(caught.value)
    assert str(caught.value).endswith("Known: smollm2, smollm2-r1")


def test_the_embedded_model_is_no_ppm(published: Path) -> None:
    adapter(published / "round-1" / "ppm", "ppm")
    with pytest.raises(UnknownNameError, match="unknown PPM 'smollm2'; did you mean 'smollm2-r1'"):
        checkpoints.find("smollm2", "ppm")


# By folder.


def test_a_folder_is_found_by_its_path(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine")
    assert checkpoints.find(str(folder), "policy").adapter == folder


@pytest.mark.parametrize(
    "missing", ["lineage.json", "adapter_model.safetensors", "adapter_config.json"]
)
def test_an_incomplete_folder_says_what_it_lacks(tmp_path: Path, missing: str) -> None:
    folder = adapter(tmp_path / "mine")
    (folder / missing).unlink()
    with pytest.raises(CheckpointError, match=f"mine is not a checkpoint: no {missing}"):
        checkpoints.find(str(folder), "policy")


def test_a_path_that_leads_nowhere_is_no_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint folder"):
        checkpoints.find(str(tmp_path / "nowhere"), "policy")


def test_a_checkpoint_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine", "ppm")
    with pytest.raises(CheckpointError, match="mine holds a ppm, a policy was expected"):
        checkpoints.find(str(folder), "policy")


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "policy"}'])
def test_a_damaged_lineage_is_refused(tmp_path: Path, text: str) -> None:
    folder = adapter(tmp_path / "mine")
    (folder / "lineage.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"lineage\.json is damaged .* expected an object"):
        checkpoints.find(str(folder), "policy")


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine", parent="../gone")
    with pytest.raises(CheckpointError, match="gone is not a checkpoint"):
        _ = checkpoints.find(str(folder), "policy").digest


# Digests.


def test_a_digest_covers_the_adapters_bytes_and_its_parents(tmp_path: Path) -> None:
    def digest(name: str, own: bytes, parents: bytes) -> str:
        adapter(tmp_path / name / "parent", weights=parents)
        child = adapter(tmp_path / name / "ppm", "ppm", parent="../parent", weights=own)
        return checkpoints.find(str(child), "ppm").digest

    first = digest("a", b"own", b"parents")
    assert first == digest("b", b"own", b"parents")
    assert len({first, digest("c", b"owm", b"parents"), digest("d", b"own", b"parented")}) == 3


def test_an_adapter_is_not_its_parent(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine", weights=b"")
    assert checkpoints.find(str(folder), "policy").digest != embedded.SHA256[:16]


# Where things are kept.


def test_folders_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checkpoints.checkpoints_dir() == tmp_path / "checkpoints"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("RSTAR_BENCH_CACHE", raising=False)
    assert checkpoints.cache_dir() == tmp_path / "xdg" / "rstar-bench"
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path / "own"))
    assert checkpoints.cache_dir() == tmp_path / "own"


def test_weights_that_are_there_are_not_merged_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path / "cache"))
    mine = checkpoints.find(str(adapter(tmp_path / "mine")), "policy")
    made = tmp_path / "cache" / f"mine-{mine.digest}"
    made.mkdir(parents=True)
    (made / "config.json").write_text("{}")
    assert checkpoints.merged(mine) == made
