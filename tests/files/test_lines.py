"""Lines of JSON end at a line feed alone, and whatever is wrong with one is said, not raised."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bench.files.lines import (
    HALF_WRITTEN,
    cut_half_line,
    decode,
    encode,
    number_lines,
    scan,
    stream,
)

DAMAGE = {
    "nested": b"[" * 100_000,
    "cut": b'{"a": 1',
    "no UTF-8": b'{"a": "\xff"}',
    "a lone surrogate": b'{"a": "\xed\xa0\x80"}',
    "NUL": b"\0" * 4096,
    "empty": b"",
    "a number of 5,000 digits": b"1" * 5000,
    "UTF-16": '{"a": 1}'.encode("utf-16"),
}


@pytest.mark.parametrize("raw", DAMAGE.values(), ids=DAMAGE)
def test_damage_of_any_kind_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        decode(raw)


def test_what_was_encoded_is_decoded_lone_surrogates_too() -> None:
    row = {"text": "a\u2028b\x85c\x0cd\ud800 π"}
    assert decode(encode(row)) == row
    assert decode(b"\xef\xbb\xbf[1]") == [1]  # as some editors begin a file


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_only_a_line_feed_ends_a_line(end: str) -> None:
    data = f'"a{end}b"\n\n  \n"c"'.encode()
    assert [number for number, _ in number_lines(data)] == [1, 4]
    assert b"".join(raw for _, raw in number_lines(data)) == f'"a{end}b""c"'.encode()


def as_float(data: Any) -> float:
    return float(data["x"]) if isinstance(data, dict) else float(data)


def test_every_damaged_line_is_told_with_its_number(tmp_path: Path) -> None:
    good = json.dumps({"x": 1}).encode()
    wrong = [b'{"x": null}', b'{"x": ' + b"9" * 400 + b"}", b"[]"]  # of the wrong type, too large
    raws = [good, *DAMAGE.values(), *wrong, good]
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"".join(raw + b"\n" for raw in raws if b"\n" not in raw) + b'{"x')
    found = scan(file, as_float)
    assert found.tail == b'{"x'
    assert [line.number for line in found.lines if line.value is not None] == [1, len(found.lines)]
    assert all(line.fault for line in found.lines if line.value is None)


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
@pytest.mark.parametrize("before", [b"", b"1\n", b"1\n" * 40_000])
def test_half_a_line_is_cut_off_however_long_it_is(
    tmp_path: Path, size: int, before: bytes
) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_bytes(before + b"x" * size)
    cut_half_line(file)
    assert file.read_bytes() == before


def test_lines_come_one_at_a_time_and_half_a_line_last(tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"1\nx\n2")
    found = list(stream(file, as_float))
    assert [(line.number, line.value) for line in found] == [(1, 1.0), (2, None), (3, None)]
    assert found[-1].fault == HALF_WRITTEN and found[-1].raw == b"2"


def test_a_pipe_holds_nothing_to_be_read_again(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert scan(pipe, as_float).lines == ()  # and does not wait for a writer
    cut_half_line(pipe)
    assert scan(tmp_path / "absent", as_float).lines == ()


def test_a_folder_is_no_empty_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        scan(tmp_path, as_float)
