"""Trees: so many, in memory or in a folder, under names that nobody guesses."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="rstar-bench[serve] is not installed")

from bench.errors import BenchError  # noqa: E402
from bench.serving.trees import Trees  # noqa: E402


@pytest.mark.parametrize("in_folder", [False, True])
def test_the_oldest_are_dropped(tmp_path: Path, in_folder: bool) -> None:
    folder = tmp_path / "trees" if in_folder else None
    trees = Trees(2, folder)
    names = [trees.name(text) for text in "abc"]
    assert [trees.put(name, name.encode()) for name in names] == [True] * 3
    assert [trees.get(name) for name in names] == [None, names[1].encode(), names[2].encode()]
    if folder is not None:
        assert len(list(folder.iterdir())) == 2
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        again = Trees(1, folder)
        assert [again.get(name) is None for name in names] == [True, True, False]


def test_a_name_is_of_its_search_and_of_its_server() -> None:
    trees = Trees(1)
    assert trees.name("a") == trees.name("a") != trees.name("b")
    assert trees.name("a") != Trees(1).name("a")
    assert len(trees.name("a")) == 22


def test_where_none_are_kept_or_the_folder_refuses_a_reply_has_none(tmp_path: Path) -> None:
    assert not Trees(0).put("x" * 22, b"")
    trees = Trees(1, tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert not trees.put("x" * 22, b"")
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(BenchError, match="cannot keep trees"):
        Trees(1, file)
