"""What a training leaves while it runs, and finds again after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rstar_train.training import watcher
from rstar_train.training.watcher import cut_curve


def write_curve(file: Path, steps: int) -> list[str]:
    rows = [json.dumps({"step": step}) for step in range(1, steps + 1)]
    file.write_text("\n".join(rows) + "\n")
    return rows


def test_a_curve_is_cut_behind_a_checkpoint_with_what_a_kill_left_half(tmp_path: Path) -> None:
    file = tmp_path / "loss.jsonl"
    rows = write_curve(file, 5)
    with file.open("a") as stream:
        stream.write('{"step": 2')
    cut_curve(file, 3)
    assert file.read_text().splitlines() == rows[:3]


def test_a_damaged_row_of_a_curve_is_cut_out_whatever_became_of_it(tmp_path: Path) -> None:
    file = tmp_path / "loss.jsonl"
    rows = write_curve(file, 2)
    with file.open("ab") as stream:
        for damage in (b'{"step": null}', b"[1]", b"{}", b"\xff", b"[" * 100_000, b"\0" * 64):
            stream.write(damage + b"\n")
    cut_curve(file, 3)
    assert file.read_text().splitlines() == rows


def test_a_kill_while_a_curve_is_cut_leaves_the_whole_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "loss.jsonl"
    rows = write_curve(file, 5)

    def die(path: Path, data: bytes) -> None:
        path.with_name("loss.jsonl.new").write_bytes(data[:5])
        raise KeyboardInterrupt

    monkeypatch.setattr(watcher, "replace", die)
    with pytest.raises(KeyboardInterrupt):
        cut_curve(file, 3)
    assert file.read_text().splitlines() == rows
