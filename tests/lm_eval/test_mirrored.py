from __future__ import annotations

from typing import Any

import pytest

from bench.errors import MissingDataError
from bench.lm_eval.mirrored import hub_splits, serve_mirror
from bench.problems import BENCHMARKS, mirror

datasets = pytest.importorskip("datasets", reason="the package datasets is not installed")


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Take the hub away; return the datasets that it was asked for."""
    asked: list[str] = []

    def load_dataset(path: str, *args: Any, **kwargs: Any) -> Any:
        asked.append(path)
        raise ConnectionError(f"Couldn't reach {path!r} on the Hub")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    serve_mirror()
    return asked


def test_a_known_dataset_comes_from_the_mirror_in_the_hubs_columns(unreachable: list[str]) -> None:
    if mirror.locate(BENCHMARKS["gsm8k"]) is None:
        pytest.skip("no mirror: RSTAR_BENCH_DATA is not set and ../shared/data does not exist")
    found = datasets.load_dataset(path="openai/gsm8k", name="main")
    assert {split: len(rows) for split, rows in found.items()} == {"train": 7473, "test": 1319}
    assert set(found["test"].column_names) == {"question", "answer"}
    assert all(row["answer"].count("#### ") == 1 for row in found["test"])
    assert len(datasets.load_dataset("openai/gsm8k", "main", split="test")) == 1319
    assert unreachable == []


def test_another_configuration_of_a_known_dataset_is_left_to_the_hub() -> None:
    assert hub_splits("openai/gsm8k", "socratic") == {}


def test_a_dataset_without_a_mirror_names_the_variable_and_the_files(
    unreachable: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RSTAR_BENCH_DATA", "")
    with pytest.raises(MissingDataError) as caught:
        datasets.load_dataset("openai/gsm8k", "main")
    assert str(caught.value) == (
        "cannot reach the hub for the dataset 'openai/gsm8k'; set RSTAR_BENCH_DATA to a directory "
        "that holds 'gsm8k_test.jsonl' and 'gsm8k_train.jsonl', or check the network"
    )
    assert unreachable == ["openai/gsm8k"]


def test_a_dataset_that_no_mirror_can_hold_says_so(unreachable: list[str]) -> None:
    with pytest.raises(MissingDataError, match="the registry does not know it, or check the net"):
        datasets.load_dataset("somebody/something")
    assert unreachable == ["somebody/something"]


def test_serving_twice_is_serving_once(unreachable: list[str]) -> None:
    before = datasets.load_dataset
    serve_mirror()
    assert datasets.load_dataset is before
