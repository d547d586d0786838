"""Checkpoints by name, folder or hub: what is found, what is refused, what a digest covers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bench.checkpoints import embedded
from bench.checkpoints.checkpoint import (
    default_ppm,
    find_checkpoint,
    newest_policy,
    published_checkpoints,
    read_checkpoint,
    served_checkpoint,
)
from bench.checkpoints.weights import count_missing_bytes, parameters, tokenizer_digest
from bench.errors import CheckpointError, UnknownNameError
from bench.variables import _tell


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of published checkpoints."""
    monkeypatch.setenv("RSTAR_BENCH_CHECKPOINTS", str(tmp_path / "checkpoints"))
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
    found = find_checkpoint("smollm2", "policy")
    assert (found.adapter, found.parent, found.template) == (None, None, "few-shot")
    assert found.digest == embedded.SHA256[:16]


def test_a_published_round_is_found_by_its_number(published: Path) -> None:
    adapter(published / "round-1" / "policy")
    found = find_checkpoint("smollm2-r1", "policy")
    assert (found.name, found.template) == ("smollm2-r1", "rstar")
    assert found.parent is not None and found.parent.name == "smollm2"


def test_a_published_round_may_be_named_without_its_base(published: Path) -> None:
    adapter(published.with_name("smollm2-135m-cpl") / "round-2" / "policy")
    assert find_checkpoint("cpl-r2", "policy").name == "smollm2-cpl-r2"
    with pytest.raises(UnknownNameError, match="did you mean 'smollm2-cpl-r2'"):
        find_checkpoint("smollm2-cpl-r3", "policy")


def test_the_variable_is_read_by_its_old_name_with_a_notice(
    published: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    adapter(published / "round-1" / "policy")
    monkeypatch.setenv("RSTAR_CHECKPOINTS", os.environ["RSTAR_BENCH_CHECKPOINTS"])
    monkeypatch.delenv("RSTAR_BENCH_CHECKPOINTS")
    _tell.cache_clear()
    assert list(published_checkpoints("policy")) == list(published_checkpoints("policy"))
    assert list(published_checkpoints("policy")) == ["smollm2-r1"]
    (notice,) = caplog.messages
    assert notice.startswith("RSTAR_CHECKPOINTS is called RSTAR_BENCH_CHECKPOINTS now")


def test_rounds_are_listed_by_number_the_newest_last(published: Path) -> None:
    for number in (10, 2, 1):
        adapter(published / f"round-{number}" / "ppm", "ppm")
    assert list(published_checkpoints("ppm")) == ["smollm2-r1", "smollm2-r2", "smollm2-r10"]
    assert published_checkpoints("policy") == {}


def test_another_recipes_rounds_carry_its_name_and_are_never_the_newest(published: Path) -> None:
    adapter(published / "round-1" / "policy")
    adapter(published.with_name("smollm2-135m-gsm8k") / "round-4" / "policy")
    adapter(published.with_name("smollm2-135m.old") / "round-9" / "policy")
    assert list(published_checkpoints("policy")) == ["smollm2-gsm8k-r4", "smollm2-r1"]
    assert find_checkpoint("smollm2-gsm8k-r4", "policy").name == "smollm2-gsm8k-r4"
    assert newest_policy().name == "smollm2-r1"


def test_without_a_published_policy_the_newest_is_the_embedded_model(published: Path) -> None:
    assert newest_policy().name == "smollm2"


def test_a_policy_goes_with_the_ppm_of_its_round(published: Path) -> None:
    for number in (1, 2):
        adapter(published / f"round-{number}" / "policy")
        adapter(published / f"round-{number}" / "ppm", "ppm")
    ppm = default_ppm(find_checkpoint("smollm2-r1", "policy"))
    assert ppm is not None and ppm.name == "smollm2-r1"


def test_a_policy_in_a_folder_goes_with_the_ppm_beside_it(published: Path, tmp_path: Path) -> None:
    adapter(published / "round-1" / "ppm", "ppm")
    adapter(tmp_path / "ppm", "ppm")
    ppm = default_ppm(read_checkpoint(adapter(tmp_path / "policy"), "policy"))
    assert ppm is not None and ppm.folder == tmp_path / "ppm"


def test_a_policy_without_a_ppm_of_its_own_goes_with_the_newest(published: Path) -> None:
    base = find_checkpoint("smollm2", "policy")
    assert default_ppm(base) is None
    for number in (1, 2):
        adapter(published / f"round-{number}" / "ppm", "ppm")
    ppm = default_ppm(base)
    assert ppm is not None and ppm.name == "smollm2-r2"


def test_an_unknown_policy_lists_the_close_ones(published: Path) -> None:
    adapter(published / "round-1" / "policy")
    with pytest.raises(UnknownNameError) as caught:
        find_checkpoint("smollm2-r9", "policy")
    assert "unknown policy 'smollm2-r9'; did you mean 'smollm2-r1'" in str(caught.value)
    assert str(caught.value).endswith("Known: smollm2, smollm2-r1")


def test_the_embedded_model_is_no_ppm(published: Path) -> None:
    adapter(published / "round-1" / "ppm", "ppm")
    with pytest.raises(UnknownNameError, match="unknown PPM 'smollm2'; did you mean 'smollm2-r1'"):
        find_checkpoint("smollm2", "ppm")


# By folder.


def test_a_folder_is_found_by_its_path(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine")
    assert find_checkpoint(str(folder), "policy").adapter == folder


@pytest.mark.parametrize(
    "missing", ["lineage.json", "adapter_model.safetensors", "adapter_config.json"]
)
def test_an_incomplete_folder_says_what_it_lacks(tmp_path: Path, missing: str) -> None:
    folder = adapter(tmp_path / "mine")
    (folder / missing).unlink()
    with pytest.raises(CheckpointError, match=f"mine is not a checkpoint: no {missing}"):
        find_checkpoint(str(folder), "policy")


def test_a_path_that_leads_nowhere_is_no_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint folder"):
        find_checkpoint(str(tmp_path / "nowhere"), "policy")


def test_a_checkpoint_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine", "ppm")
    with pytest.raises(CheckpointError, match="mine holds a ppm, a policy was expected"):
        find_checkpoint(str(folder), "policy")


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "policy"}'])
def test_a_damaged_lineage_is_refused(tmp_path: Path, text: str) -> None:
    folder = adapter(tmp_path / "mine")
    (folder / "lineage.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"lineage\.json is damaged .* expected an object"):
        find_checkpoint(str(folder), "policy")


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine", parent="../gone")
    with pytest.raises(CheckpointError, match="gone is not a checkpoint"):
        _ = find_checkpoint(str(folder), "policy").digest


# Full weights: any model's folder.


def model(folder: Path, *, weights: bytes = b"weights") -> Path:
    """Write the files of a whole model; nothing here reads the weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "qwen2"}')
    (folder / "model-00001-of-00002.safetensors").write_bytes(weights)
    (folder / "model-00002-of-00002.safetensors").write_bytes(b"more weights")
    return folder


def test_any_model_folder_is_an_untrained_policy(tmp_path: Path) -> None:
    found = find_checkpoint(str(model(tmp_path / "qwen")), "policy")
    assert (found.name, found.adapter, found.parent) == ("qwen", None, None)
    assert found.template == "few-shot"
    assert found.prompted("rstar").template == "rstar"
    assert found.prompted("rstar").digest == found.digest


def test_a_reward_model_says_how_it_is_read(tmp_path: Path) -> None:
    folder = model(tmp_path / "rm")
    with pytest.raises(CheckpointError, match=r"no reward\.json.*rstar-train import-official"):
        find_checkpoint(str(folder), "ppm")
    (folder / "reward.json").write_text('{"template": "rstar"}')
    assert find_checkpoint(str(folder), "ppm").folder == folder


@pytest.mark.parametrize("missing", ["config.json", "*.safetensors"])
def test_an_incomplete_model_folder_says_what_it_lacks(tmp_path: Path, missing: str) -> None:
    folder = model(tmp_path / "qwen")
    for file in folder.glob(missing):
        file.unlink()
    with pytest.raises(CheckpointError) as caught:
        find_checkpoint(str(folder), "policy")
    assert f"qwen is not a checkpoint: no {missing}" in str(caught.value)


def test_a_models_digest_covers_every_file_of_its_weights(tmp_path: Path) -> None:
    def digest(name: str, weights: bytes = b"weights") -> str:
        return find_checkpoint(str(model(tmp_path / name, weights=weights)), "policy").digest

    first = digest("a")
    assert first == digest("b") != digest("c", b"weighty")
    (tmp_path / "b" / "model-00002-of-00002.safetensors").write_bytes(b"mere weights")
    assert find_checkpoint(str(tmp_path / "b"), "policy").digest != first


# The hub.


def cached(home: Path, name: str) -> Path:
    """Lay a model out as the hub's client does when it has downloaded it."""
    repository = home / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("f" * 40)
    return model(repository / "snapshots" / ("f" * 40))


def test_a_model_of_the_hub_is_found_where_its_client_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = cached(tmp_path / "hub", "some-lab/some-model")
    found = find_checkpoint("some-lab/some-model", "policy")
    assert (found.name, found.folder) == ("some-lab/some-model", folder)
    assert found.seen_from(tmp_path / "anywhere") == "some-lab/some-model"
    child = adapter(tmp_path / "mine", parent="some-lab/some-model")
    parent = find_checkpoint(str(child), "policy").parent
    assert parent is not None
    assert parent.digest == found.digest


def test_a_model_that_the_hub_does_not_give_is_said_to_be_no_folder_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(CheckpointError, match="'some-lab/other@v2' is no folder here, and the hub"):
        find_checkpoint("some-lab/other@v2", "policy")


# Digests.


def test_a_digest_covers_the_adapters_bytes_and_its_parents(tmp_path: Path) -> None:
    def digest(name: str, own: bytes, parents: bytes) -> str:
        adapter(tmp_path / name / "parent", weights=parents)
        child = adapter(tmp_path / name / "ppm", "ppm", parent="../parent", weights=own)
        return find_checkpoint(str(child), "ppm").digest

    first = digest("a", b"own", b"parents")
    assert first == digest("b", b"own", b"parents")
    assert len({first, digest("c", b"owm", b"parents"), digest("d", b"own", b"parented")}) == 3


def test_an_adapter_is_not_its_parent(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "mine", weights=b"")
    assert find_checkpoint(str(folder), "policy").digest != embedded.SHA256[:16]


# Names in lineages.


def test_a_checkpoint_is_called_by_its_name_or_by_the_way_to_it(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "round-1" / "policy")
    found = find_checkpoint(str(folder), "policy")
    assert find_checkpoint("smollm2", "policy").seen_from(tmp_path) == "smollm2"
    assert found.seen_from(tmp_path / "round-1" / "ppm") == os.path.join("..", "policy")


def test_a_served_model_is_told_by_its_name_and_asked_as_the_round_of_that_name(
    published: Path,
) -> None:
    there = served_checkpoint("meta/llama")
    assert (there.folder, there.template, there.is_served) == (None, "few-shot", True)
    assert parameters(there) == count_missing_bytes(there, as_gguf=False) == 0
    assert tokenizer_digest(there) is None
    adapter(published / "round-1" / "policy")
    adapter(published / "round-1" / "ppm", "ppm")
    here, round_1 = served_checkpoint("smollm2-r1"), find_checkpoint("smollm2-r1", "policy")
    assert here.template == round_1.template
    assert len({there.digest, here.digest, round_1.digest}) == 3
    assert default_ppm(here) == default_ppm(round_1)
