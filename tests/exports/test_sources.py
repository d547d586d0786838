"""A stored run as read for an export: its texts come from its trees."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import DataError, MissingRunError
from bench.exports.bundle import Bundle, to_json_lines, write_bundle
from bench.exports.sources import describe_gaps, read_source
from bench.runs.reader import load_run
from bench.speed.page import make_run
from tests.made_runs import greedy


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "one", problems=2, nodes=12)


def test_a_solution_is_the_text_from_the_root_to_the_end_of_a_sample(run: Path) -> None:
    source = read_source(load_run(run))
    for record in source.run.records:
        texts = [source.solution(record, at) for at in range(len(record.samples))]
        assert all(text is not None and text.startswith("<code>") for text in texts)
        for text, sample in zip(texts, record.samples, strict=True):
            assert text is not None
            assert f"boxed{{{sample.answer}}}" in text


def test_a_run_without_records_is_refused() -> None:
    with pytest.raises(MissingRunError, match="no problem is done"):
        read_source(greedy([]))


def test_questions_and_texts_that_are_not_known_are_counted(run: Path) -> None:
    source = replace(read_source(load_run(run)), solutions={})
    assert describe_gaps([source]) == [
        "made-up, mcts on made-up: 2 of 2 questions are not known.",
        "made-up, mcts on made-up: 2 of 2 problems have no stored text.",
    ]


def test_a_run_directory_is_no_place_for_an_export(run: Path) -> None:
    with pytest.raises(DataError, match="run directory"):
        write_bundle(Bundle({"x": b""}, ()), run)


def test_files_go_into_folders_that_are_made(tmp_path: Path) -> None:
    (file,) = write_bundle(Bundle({"a/b.json": b"{}"}, ()), tmp_path / "new")
    assert file.read_bytes() == b"{}"


def test_half_a_character_is_written_and_read_as_it_is() -> None:
    assert json.loads(to_json_lines([{"text": "x\ud800"}])) == {"text": "x\ud800"}
