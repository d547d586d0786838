from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from bench.errors import BenchError
from bench.evaluation.spec import RunSpec
from bench.lm_eval.arguments import _READ, model_arguments

NOT_FOR_A_MODEL = {"benchmark", "limit", "errata", "conventions"}


def test_a_search_takes_every_field_of_a_run_but_those_on_problems_and_grading() -> None:
    known = {field.name for field in fields(RunSpec)} - NOT_FOR_A_MODEL
    assert known | {"selector", "question", "on_failure", "concurrency"} == set(_READ)


def test_arguments_become_a_specification() -> None:
    found = model_arguments(
        {"policy": "smollm2-r1", "search": "mcts", "rollouts": 3, "c": 1, "selector": "mcts_top_k"}
    )
    assert (found.spec.policy, found.spec.rollouts, found.spec.c) == ("smollm2-r1", 3, 1.0)
    assert (found.selector, found.on_failure) == ("mcts_top_k", "stop")


def test_an_argument_that_is_none_is_as_if_not_given() -> None:
    assert model_arguments({"ppm": None, "temperature": None}) == model_arguments({})


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"rolouts": 8},
            "unknown argument of the model rstar 'rolouts'; did you mean 'rollouts' or 'rules'? "
            "Known: aggregate, ",
        ),
        ({"pretrained": "gpt2"}, "'pretrained' is called 'policy' here, e.g. policy=smollm2-r1"),
        ({"search": "mctss"}, "unknown search 'mctss'; did you mean 'mcts'"),
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
            "the search 'best_of_n' does not use rollouts; of the budget it uses n",
        ),
        (
            {"search": "greedy", "n": 8},
            "the search 'greedy' does not use n; of the budget it uses nothing",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BenchError) as caught:
        model_arguments(given)
    assert sentence in str(caught.value)
