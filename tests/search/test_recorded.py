"""Our own recorded searches: under the paper's rules the same trees grow, node by node."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.sandbox import Sandbox
from bench.search import MCTS, mcts
from tests.scripted import ScriptedPolicy, problem
from tests.search.recording import GOLDEN, RecordedScorer, reward, told

pytestmark = pytest.mark.asyncio(loop_scope="package")

RECORDED = [json.loads(line) for line in GOLDEN.read_text().splitlines()]


@pytest.mark.parametrize("recorded", RECORDED, ids=[each["id"] for each in RECORDED])
async def test_a_recorded_search_grows_again_under_the_papers_rules(
    sandbox: Sandbox, recorded: dict[str, Any]
) -> None:
    mode = recorded["mode"]
    trace = await mcts(
        problem(name=recorded["id"]),
        ScriptedPolicy(recorded["completions"]),
        sandbox,
        config=MCTS(**recorded["config"]),
        seed=0,
        scorer=None if mode == "terminal" else RecordedScorer(0, dict(recorded["scores"])),
        reward=None if mode == "test" else reward,
    )
    assert json.loads(json.dumps(told(trace))) == recorded["expected"]
