"""Knobs: what a field says of itself, and what it takes."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from typing import Annotated, Any, Literal

import pytest

from bench.knobs import Count, Positive, Range, Share, Use, describe_fields, knobs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Shared."""

    count: Annotated[Count, Use.LABEL] = 4
    """How many,
    at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Base):
    """Of something."""

    rate: Positive
    """A rate."""
    limit: Annotated[Count, Use.BUDGET] | None = None
    mode: Literal["slow", "fast"] = "slow"
    share: Share = 0.5
    drop: Annotated[float, Range(0, most=1, below=True)] = 0.0
    name: str = "x"
    flag: bool = False
    maybe: bool | None = None
    others: tuple[int, ...] = ()


def test_a_field_says_its_type_default_use_and_words_and_a_base_classs_too() -> None:
    knobs = knobs_of(Settings)
    assert list(knobs) == [
        "count",
        "rate",
        "limit",
        "mode",
        "share",
        "drop",
        "name",
        "flag",
        "maybe",
    ]
    assert (knobs["count"].kind, knobs["count"].default) == (int, 4)
    assert (knobs["count"].description, knobs["count"].uses) == ("How many,\nat most.", {Use.LABEL})
    assert knobs["rate"].default is MISSING
    assert (knobs["limit"].optional, knobs["limit"].uses) == (True, {Use.BUDGET})
    assert knobs["mode"].choices == ("slow", "fast")
    assert describe_fields(Settings) == {"count": "How many,\nat most.", "rate": "A rate."}


@pytest.mark.parametrize(
    ("knob", "value", "words"),
    [
        ("count", 0, "at least 1"),
        ("count", 2.0, "a whole number"),
        ("count", True, "a whole number"),
        ("count", None, "a whole number"),
        ("count", 10**12, "at most 1,000,000,000"),
        ("rate", 1e300, "at most 1,000,000,000"),
        ("rate", 10**400, "a finite number"),
        ("rate", 0, "above 0"),
        ("rate", float("nan"), "a finite number"),
        ("rate", "fast", "a finite number"),
        ("limit", -1, "at least 1"),
        ("mode", "fats", "one of slow, fast"),
        ("share", 1.5, "from 0 to 1"),
        ("drop", 1, "from 0 to less than 1"),
        ("name", 3, "a name"),
        ("flag", 1, "true or false"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words(knob: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}$"):
        knobs_of(Settings)[knob].read(value)


def test_a_value_that_fits_is_of_the_knobs_type() -> None:
    knobs = knobs_of(Settings)
    assert knobs["limit"].read(None) is None
    assert isinstance(knobs["rate"].read(2), float)
    parsed = {
        name: knobs[name].parse(text) for name, text in {"count": "3", "flag": "true"}.items()
    }
    assert parsed == {"count": 3, "flag": True}
    with pytest.raises(ValueError, match="^a whole number$"):
        knobs["count"].parse("3.5")
    for name in ("flag", "maybe"):
        with pytest.raises(ValueError, match="^true or false$"):
            knobs[name].parse("yes")
    with pytest.raises(ValueError, match="^true or false$"):
        knobs["flag"].parse("yes")
