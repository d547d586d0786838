"""A policy turns a problem into a request, and what an untrained model writes into tags."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.engines.base import Completion, Finish, Request, derive_seed
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.prompts import FEW_SHOT, OFFICIAL, START, Template
from bench.prompts.tags import SOLUTION_STOPS, STEP_STOPS
from tests.scripted import problem

SETTINGS = SamplingSettings(temperature=0.7, step_tokens=10, solution_tokens=30)


class ScriptedEngine:
    """Answers every request with the same completions, and keeps the requests."""

    name = "scripted"
    determinism = "scripted"

    def __init__(self, *completions: Completion) -> None:
        self._completions = completions
        self.requests: list[Request] = []

    async def generate(self, request: Request) -> list[Completion]:
        self.requests.append(request)
        return list(self._completions)


async def asked(
    template: Template, stop: Sequence[str] = STEP_STOPS, *, greedy: bool = False
) -> Request:
    """The request that a policy with this template makes."""
    engine = ScriptedEngine()
    policy = ModelPolicy("p", engine, template, SETTINGS)
    await policy.propose(problem(), START, n=3, seed=5, stop=stop, greedy=greedy)
    return engine.requests[0]


async def test_a_step_and_a_solution_have_their_own_token_limits() -> None:
    assert (await asked(OFFICIAL, STEP_STOPS)).max_tokens == 10
    assert (await asked(OFFICIAL, SOLUTION_STOPS)).max_tokens == 30


async def test_a_request_carries_the_prompt_the_seed_and_the_temperature() -> None:
    request = await asked(OFFICIAL)
    assert request.prompt == OFFICIAL.render("What is 1 + 2?", START)
    assert (request.n, request.seed, request.temperature) == (3, 5, 0.7)
    assert (await asked(OFFICIAL, greedy=True)).temperature == 0.0


async def test_requests_are_ordered_by_when_their_problem_first_asked() -> None:
    engine = ScriptedEngine()
    policy = ModelPolicy("p", engine, OFFICIAL, SETTINGS)
    for name in ("b", "a", "b", "c", "a"):
        await policy.propose(problem(name=name), START, n=1, seed=0, stop=STEP_STOPS)
    assert [request.order for request in engine.requests] == [0, 1, 0, 2, 1]


async def test_policies_of_one_engine_count_on() -> None:
    engine = ScriptedEngine()
    for number in (3, 4):
        policy = ModelPolicy("p", engine, OFFICIAL, SETTINGS, first=number)
        for name in ("a", "b"):
            await policy.propose(problem(name=name), START, n=1, seed=0, stop=STEP_STOPS)
    assert [request.order for request in engine.requests] == [3, 4, 4, 5]


async def test_only_an_untrained_models_template_stops_at_aliases() -> None:
    assert (await asked(OFFICIAL)).stop == STEP_STOPS
    assert (await asked(FEW_SHOT)).stop == (*STEP_STOPS, *FEW_SHOT.aliases)


@pytest.mark.parametrize(
    ("template", "finish", "text", "expected"),
    [
        (FEW_SHOT, Finish.STOP, "\nprint(x)\n<output>", "\nprint(x)\n<end_of_code>"),
        (FEW_SHOT, Finish.STOP, "<answer>3<end_ofanswer>", "<answer>3<end_of_answer>"),
        (FEW_SHOT, Finish.STOP, "\nx = 1\n\nQuestion:", "\nx = 1"),
        (FEW_SHOT, Finish.STOP, "\nx = 1\n<end_of_step>", "\nx = 1\n<end_of_step>"),
        (FEW_SHOT, Finish.STOP, "\nprint('<output>')", "\nprint('<output>')"),
        (FEW_SHOT, Finish.LENGTH, "\nprint(x)\n<output>", "\nprint(x)\n<output>"),
        (OFFICIAL, Finish.STOP, "\nprint(x)\n<output>", "\nprint(x)\n<output>"),
    ],
)
async def test_an_alias_at_the_end_becomes_the_tag_it_stands_for(
    template: Template, finish: Finish, text: str, expected: str
) -> None:
    policy = ModelPolicy("p", ScriptedEngine(Completion(text, finish, 4, 9)), template, SETTINGS)
    (completion,) = await policy.propose(problem(), START, n=1, seed=0, stop=STEP_STOPS)
    assert completion == Completion(expected, finish, 4, 9)


def test_a_derived_seed_is_the_same_on_every_machine() -> None:
    assert derive_seed(0, "gsm8k-1", "0.2.1", "propose") == 4_212_172_710
    assert derive_seed(1, 2) != derive_seed(12)
