"""Tables of records: every answer and every sample, with its outcome."""

from __future__ import annotations

import io

import pytest

from bench.exports.parquet import encode
from tests.exports.made_sources import of_samples

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")


def test_nothing_is_left_out() -> None:
    files = encode([of_samples()]).files
    answers = pandas.read_parquet(io.BytesIO(files["answers.parquet"]))
    assert list(answers["outcome"]) == [
        *("correct", "wrong", "engine_error"),
        *("wrong", "no_answer", "truncated"),
    ]
    assert list(answers["failure"]) == [False, False, True, False, False, False]
    assert set(answers["selector"]) == {"majority", "best_of_n"}


def test_a_sample_has_its_text() -> None:
    files = encode([of_samples()]).files
    samples = pandas.read_parquet(io.BytesIO(files["samples.parquet"]))
    assert len(samples) == 12
    assert list(samples["text"][:4]) == [f"solution {at}" for at in range(4)]
    assert samples["question"][0] == "What is p00?"
