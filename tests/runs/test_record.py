"""A record goes to JSON and back unchanged, and says which field of a bad line is bad."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from bench.runs.record import Key, Record, Sample, Selected, Tokens
from bench.types import Outcome

SAMPLES = (
    Sample("42", Outcome.CORRECT, 0.75, (0.25, 0.75), 120, "math-verify: equal"),
    Sample(None, Outcome.TRUNCATED, None, (), 512, "depth 16"),
)
RECORD = Record(
    problem_id="math500-17",
    seed=3,
    benchmark="math500",
    gold="42",
    search="sample",
    samples=SAMPLES,
    selected={
        "majority": Selected("42", Outcome.CORRECT, 0),
        "best_of_n": Selected(None, Outcome.NO_ANSWER, None),
    },
    tokens=Tokens(policy_prompt=50, policy_generated=632, ppm=170),
    executions=4,
)


def schema() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(RECORD.to_json()))
    return data


def test_a_record_survives_json_unchanged() -> None:
    assert Record.from_json(schema()) == RECORD


def test_the_schema_is_the_documented_one() -> None:
    assert list(RECORD.to_json()) == [
        *("problem_id", "seed", "benchmark", "gold", "search", "samples", "selected", "tokens"),
        *("executions", "error"),
    ]
    assert schema()["samples"][0] == {
        "answer": "42",
        "outcome": "correct",
        "score": 0.75,
        "step_scores": [0.25, 0.75],
        "tokens": 120,
        "reason": "math-verify: equal",
    }
    assert schema()["selected"]["best_of_n"] == {
        "answer": None,
        "outcome": "no_answer",
        "sample": None,
    }


def test_keys_of_a_later_version_are_ignored() -> None:
    data = schema()
    data["wall_clock"] = "new"
    data["samples"][0]["logprob"] = -1.0
    data["tokens"]["draft"] = 7
    assert Record.from_json(data) == RECORD


def test_the_resume_key_is_problem_and_seed() -> None:
    assert RECORD.key == Key("math500-17", 3) == ("math500-17", 3)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("gold",), None, "'gold' is of type NoneType, expected str"),
        (("seed",), True, "'seed' is of type bool, expected int"),
        (("seed",), 1.5, "'seed' is of type float, expected int"),
        (("samples",), {}, "'samples' is of type dict, expected list"),
        (("samples", 0), "cut", "expected an object, found str"),
        (("samples", 0, "outcome"), "right", "'right' is not a valid Outcome"),
        (("samples", 0, "score"), "0.7", "'score' is of type str, expected int or float"),
        (("samples", 0, "score"), math.nan, "'score' holds nan, expected a finite number"),
        (("samples", 0, "step_scores"), ["0.5"], "'step_scores' holds '0.5', expected a finite"),
        (("samples", 0, "step_scores"), [math.inf], "'step_scores' holds inf, expected a finite"),
        (("selected", "majority"), None, "expected an object, found NoneType"),
        (("tokens",), [], "'tokens' is of type list, expected dict"),
    ],
)
def test_an_ill_typed_field_is_named(path: tuple[Any, ...], value: object, message: str) -> None:
    data = schema()
    holder: Any = data
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        Record.from_json(data)


@pytest.mark.parametrize("key", sorted(set(RECORD.to_json()) - {"error"}))
def test_an_absent_field_is_named(key: str) -> None:
    data = schema()
    del data[key]
    with pytest.raises(ValueError, match=f"no '{key}'"):
        Record.from_json(data)


def test_something_that_is_not_an_object_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an object, found list"):
        Record.from_json([1, 2])  # type: ignore[arg-type]


def test_a_wrong_answer_is_not_an_engine_error_and_a_failed_engine_is() -> None:
    assert not RECORD.is_engine_error
    for change in (
        {"error": "out of memory"},
        {"samples": [{**schema()["samples"][0], "outcome": "engine_error"}]},
        {"selected": {"mcts": {"answer": None, "outcome": "engine_error", "sample": None}}},
    ):
        assert Record.from_json({**schema(), **change}).is_engine_error
