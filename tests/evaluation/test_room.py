"""A run that has no room is refused before anything is loaded."""

from __future__ import annotations

import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest

from bench.checkpoints.checkpoint import Checkpoint
from bench.errors import BenchError
from bench.evaluation import room
from bench.evaluation.room import require_cache, require_disk
from bench.evaluation.spec import Resolved, RunSpec, resolve

Disk = namedtuple("Disk", "total used free")
SPEC = RunSpec("embedded-grade-school", "smollm2", "greedy", limit=2)


@pytest.fixture(scope="module")
def greedy() -> Resolved:
    return resolve(SPEC)


def leave_free(monkeypatch: pytest.MonkeyPatch, mebibytes: int) -> list[Path]:
    asked: list[Path] = []

    def disk_usage(path: Path) -> Disk:
        asked.append(path)
        return Disk(0, 0, mebibytes << 20)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    return asked


def merged(resolved: Resolved) -> Resolved:
    """The same run, of a policy whose weights are in no cache."""
    adapter = Checkpoint("somebody's", "policy", None, {"template": "few-shot"})
    return replace(resolved, policy=adapter, engine="transformers")


def test_a_full_disk_is_found_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = leave_free(monkeypatch, 0)
    with pytest.raises(BenchError, match="at least 1 MiB below .*not-yet, and 0 MiB are free"):
        require_disk(tmp_path / "not-yet", 2)
    assert asked == [tmp_path], "the folder is asked about that is there"
    leave_free(monkeypatch, 3)
    require_disk(tmp_path / "not-yet", 2)
    assert not (tmp_path / "not-yet").exists()


def test_a_cache_without_room_for_merged_weights_is_found(
    greedy: Resolved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path / "cache"))
    leave_free(monkeypatch, 100)
    with pytest.raises(BenchError, match="merged weights .* needs at least 258 MiB"):
        require_cache(merged(greedy))
    leave_free(monkeypatch, 300)
    require_cache(merged(greedy))
    require_cache(replace(greedy, engine="openvino"))  # it reads the embedded model's own file
    with pytest.raises(BenchError, match="merged weights .* needs at least 1,027 MiB"):
        require_cache(replace(greedy, engine="invariant"))


@pytest.mark.parametrize("cache", ["/dev/null", "/proc/nowhere"])
def test_a_cache_that_cannot_be_written_to_is_found(
    greedy: Resolved, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_CACHE", cache)
    with pytest.raises(BenchError, match=f"the cache {cache} cannot be written to"):
        require_cache(merged(greedy))


def test_nothing_is_asked_of_a_cache_that_holds_the_weights(
    greedy: Resolved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path))
    resolved = merged(greedy)
    assert resolved.policy is not None
    folder = tmp_path / f"{resolved.policy.name}-{resolved.policy.digest}"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    leave_free(monkeypatch, 0)
    require_cache(resolved)


def test_the_bound_grows_with_the_problems() -> None:
    assert room.PER_PROBLEM * 10_000 > room.MARGIN
