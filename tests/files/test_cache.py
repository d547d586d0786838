"""Where what can be made again is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.files.cache import cache_dir


def test_the_cache_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("RSTAR_BENCH_CACHE", raising=False)
    assert cache_dir() == tmp_path / "xdg" / "rstar-bench"
    monkeypatch.setenv("RSTAR_BENCH_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"
