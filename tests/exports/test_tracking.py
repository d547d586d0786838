"""Trackers are told settings and numbers; stand-ins take the place of their packages here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest

from bench.errors import BenchError
from bench.exports.registry import TRACKERS
from bench.exports.tracking import list_settings, measure
from tests.exports.made_sources import of_failures, of_samples


def test_numbers_are_by_selector_and_failures_are_counted() -> None:
    found = measure(of_samples())
    assert found["majority/accuracy"] == 0.5
    assert found["majority/failures"] == 1
    assert found["majority/accuracy_low"] < 0.5 < found["majority/accuracy_high"]


def test_no_accuracy_is_told_where_nothing_could_be_judged() -> None:
    found = measure(of_failures())
    assert "greedy/accuracy" not in found
    assert found["greedy/failures"] == 2


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_absent_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BenchError, match=f"pip install {name}"):
        TRACKERS[name]([of_samples()], "project")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("wandb", lambda package: package.init.return_value.summary.update),
        ("mlflow", lambda package: package.log_metrics),
        ("trackio", lambda package: package.log),
    ],
)
def test_a_tracker_is_told_the_numbers(
    name: str, told: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = MagicMock()
    monkeypatch.setitem(sys.modules, name, package)
    source = of_samples()
    TRACKERS[name]([source], "project")
    told(package).assert_called_once_with(measure(source))


def test_settings_are_texts() -> None:
    settings = list_settings(of_samples())
    assert settings["policy"] == "base"
    assert settings["search"] == '{"n": 4, "name": "sample"}'
