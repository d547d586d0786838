from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from bench.engines.policy import SamplingSettings
from bench.errors import BenchError
from bench.evaluation.spec import RunSpec
from bench.lm_eval.arguments import NOT_FOR_A_MODEL, known_arguments, read_arguments
from bench.search import MCTS
from bench.search.registry import all_knobs


def test_a_search_takes_every_field_of_a_run_but_those_on_problems_and_grading() -> None:
    composed = {"config", "sampling", "conventions"}
    of_run = {field.name for field in fields(RunSpec)} - {*NOT_FOR_A_MODEL, *composed}
    of_sampling = {field.name for field in fields(SamplingSettings)}
    ours = {"selector", "question", "on_failure", "concurrency"}
    assert of_run | of_sampling | ours | set(all_knobs(deciding=False)) == set(known_arguments())


def test_arguments_become_a_specification() -> None:
    found = read_arguments(
        {"policy": "smollm2-r1", "search": "mcts", "rollouts": 3, "c": 1, "selector": "mcts_top_k"}
    )
    assert (found.spec.policy, found.spec.config) == ("smollm2-r1", MCTS(rollouts=3, c=1.0))
    assert (found.settings.selector, found.settings.on_failure) == ("mcts_top_k", "stop")


def test_an_argument_that_is_none_is_as_if_not_given() -> None:
    assert read_arguments({"ppm": None, "temperature": None}) == read_arguments({})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"rolouts": 8},
            "unknown argument of the model rstar 'rolouts'; did you mean 'rollouts' or "
            "'solutions' or 'rules'? Known: aggregate, ",
        ),
        ({"pretrained": "gpt2"}, "'pretrained' is called 'policy' here, e.g. policy=smollm2-r1"),
        ({"search": "mctss"}, "unknown search 'mctss'; did you mean 'mcts'"),
        ({"search": "closers"}, "'closers' answers with certificates, which no task grades"),
        ({"rollouts": 0}, "rollouts=0 is wrong; it must be at least 1"),
        ({"rollouts": 2.5}, "rollouts=2.5 is wrong; it must be a whole number"),
        ({"rollouts": True}, "rollouts=True is wrong; it must be a whole number"),
        ({"seed": "x"}, "seed=x is wrong; it must be a whole number"),
        ({"c": "big"}, "c=big is wrong; it must be a finite number"),
        ({"temperature": 0}, "temperature=0 is wrong; it must be above 0"),
        ({"policy": True}, "policy=True is wrong; it must be a name"),
        ({"on_failure": "go on"}, "unknown value of on_failure 'go on'. Known: empty, stop"),
        (
            {"search": "best_of_n", "rollouts": 8},
            "the search 'best_of_n' does not use rollouts; it uses n, tokens",
        ),
        (
            {"search": "greedy", "n": 8},
            "the search 'greedy' does not use n; it uses no knob",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BenchError) as caught:
        read_arguments(given)
    assert sentence in str(caught.value)
