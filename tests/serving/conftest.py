"""A service over a scripted policy, with everything else as it is served."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from bench.engines.base import Policy
from bench.errors import BenchError
from bench.evaluation.spec import RunSpec
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import MCTS
from tests.scripted import ScriptedPolicy, ScriptedScorer

P = "smollm2-dial-r4"
"""The policy's name; the models are looked up, and not loaded."""
PROGRAM = "\nx = 1 + {}\n<end_of_step>\nprint(x)\n<end_of_code>"


def write(partial: str, index: int) -> str:
    """A program that prints 1 more than its number, then its answer."""
    if "<end_of_output>" in partial:
        printed = partial.split("<output>")[1].split("<end_of_output>")[0]
        return f"<answer>It is \\boxed{{{printed}}}.<end_of_answer>"
    return PROGRAM.format(index)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxConfig(workers=1)) as started:
        yield started


@pytest.fixture(scope="session")
def catalogue() -> Any:
    """What a server of MCTS can be asked for; skipped where its models cannot be looked up."""
    from bench.serving.catalogue import Catalogue

    try:
        return Catalogue(
            RunSpec("served", P, "mcts", MCTS(rollouts=4, candidates=2), ppm=P, seed=7)
        )
    except BenchError as error:
        pytest.skip(str(error))


@pytest.fixture
def make_service(sandbox: Sandbox, catalogue: Any) -> Callable[..., Any]:
    """Return a maker of services: of a policy and of settings."""
    from bench.serving.app import Service
    from bench.serving.searches import Engines, Searches
    from bench.serving.settings import ServerSettings
    from bench.serving.trees import Trees

    def make(policy: Policy | None = None, *, key: str | None = None, **settings: Any) -> Service:
        asked = policy or ScriptedPolicy(write)
        scorer = ScriptedScorer({"boxed{2}": 0.9, "x = ": 0.5}, default=-0.5)
        given = ServerSettings(**settings)
        searches = Searches(Engines(lambda _: asked, sandbox, scorer), given)
        return Service(catalogue, searches, Trees(given.trees), given, key)

    return make
