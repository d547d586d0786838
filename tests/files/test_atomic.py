"""Files are written as a whole or not at all; what is no file is written to as it is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bench.files.atomic import append, replace, replace_json


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    replace(file, b"old")
    replace_json(file, {"n": 1})
    assert file.read_text() == '{\n  "n": 1\n}\n'
    assert os.listdir(tmp_path) == ["figures.json"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(file)
    replace(link, b"one")
    append(link, b" two")
    assert link.is_symlink()
    assert file.read_bytes() == b"one two"


def test_what_is_no_file_is_written_to_and_stays(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = b"x" * (1 << 20)  # more than a pipe holds
    for write in (replace, append):
        read: list[bytes] = []
        reader = threading.Thread(target=lambda heard=read: heard.append(pipe.read_bytes()))
        reader.start()
        write(pipe, data)
        reader.join(10)
        assert read == [data]
    assert pipe.is_fifo()
    replace(Path(os.devnull), b"gone")
    append(Path(os.devnull), b"gone", sync=True)
    assert Path(os.devnull).is_char_device()
    assert os.listdir(tmp_path) == ["pipe"]


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.is_char_device(), reason="this system has no full device")
@pytest.mark.parametrize("write", [replace, append])
def test_a_full_device_is_named_and_stays_one(write: object) -> None:
    assert callable(write)
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        write(FULL, b"x")
    assert FULL.is_char_device()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(b"old")

    def refuse(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match=r"No space left on device: '.*run\.json'"):
        replace(file, b"new")
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["run.json"]


@pytest.mark.parametrize(
    ("name", "error"), [("folder", IsADirectoryError), ("absent/file", FileNotFoundError)]
)
def test_what_cannot_be_written_is_named_with_nothing_left_behind(
    tmp_path: Path, name: str, error: type[OSError]
) -> None:
    (tmp_path / "folder").mkdir()
    for write in (replace, append):
        with pytest.raises(error, match=name):
            write(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


OWN = """
from pathlib import Path
from bench.files.atomic import append, replace

print("before")
replace(Path("/dev/stdout"), b"replaced\\n")
append(Path("/dev/stdout"), b"appended\\n")
print("after")
"""


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="this system has no /dev/stdout")
@pytest.mark.parametrize("to", ["a file", "a pipe"])
def test_standard_output_by_its_name_comes_in_its_turn(tmp_path: Path, to: str) -> None:
    expected = "before\nreplaced\nappended\nafter\n"
    command = [sys.executable, "-c", OWN]
    root = Path(__file__).parents[2]
    if to == "a pipe":
        done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
        assert done.stdout == expected
        return
    file = tmp_path / "out.txt"
    with file.open("w") as stream:
        subprocess.run(command, cwd=root, stdout=stream, check=True)
    assert file.read_text() == expected
