"""A YAML file is keys with values, or one sentence says what it is instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.files.yaml_file import read_yaml


def written(folder: Path, data: bytes) -> Path:
    file = folder / "asked.yaml"
    file.write_bytes(data)
    return file


def test_keys_are_texts_and_an_empty_file_has_none(tmp_path: Path) -> None:
    assert read_yaml(written(tmp_path, b"a: [1, 2]\n3: x\n"), "sweep") == {"a": [1, 2], "3": "x"}
    assert read_yaml(written(tmp_path, b"# nothing\n"), "sweep") == {}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a: [1", "the sweep .*asked.yaml is no YAML: while parsing"),
        (b"\xff\xfe\x00", "the sweep .*asked.yaml is no YAML"),
        (b"- a\n", r"asked.yaml: expected keys with values, found \['a'\]"),
    ],
)
def test_what_is_no_mapping_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(BenchError, match=said) as refused:
        read_yaml(written(tmp_path, data), "sweep")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="cannot read the sweep .*none.yaml: No such file"):
        read_yaml(tmp_path / "none.yaml", "sweep")
