"""A policy's generated tokens per second, and how many of them are left inside MCTS.

The policy is the newest published one, or the embedded model, which writes few steps that run and
so searches little. What a search keeps is its tokens over its wall time, beside the rate of as many
sequences with no search around them: what is lost goes to prompts, to waiting for the sandbox and
the PPM, and to the last problems, which run without company. Host time is the CPU time of the event
loop's thread, which is the search itself; models and programs run elsewhere.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bench.benchmarks.figures import Figure, timed
from bench.benchmarks.ppm import published
from bench.engines import checkpoints
from bench.engines.base import Request, StepScorer
from bench.engines.openvino import OpenVINOEngine
from bench.engines.policy import ModelPolicy, SamplingSettings
from bench.problems import load
from bench.prompts import START, template
from bench.sandbox import Sandbox
from bench.search import MCTS, mcts

if TYPE_CHECKING:
    from bench.search import Node, Trace

POOL = "embedded-grade-school"
PROBLEMS = 8
CANDIDATES = 4


async def engine() -> list[Figure]:
    """Time a policy by requests in flight, then inside a search, without and with a PPM."""
    name = [checkpoints.EMBEDDED, *checkpoints.known("policy")][-1]
    checkpoint = checkpoints.find(name, "policy")
    running = OpenVINOEngine(checkpoints.gguf(checkpoint), name=name)
    policy = ModelPolicy(
        name, running, template(checkpoint.template), SamplingSettings(step_tokens=64)
    )
    try:
        await _generate(policy, 2)  # the first step of a pipeline compiles
        rates = {requests: await _generate(policy, requests) for requests in (1, 8, 32)}
        full = await _generate(policy, PROBLEMS, CANDIDATES)
        figures = [
            *(Figure(f"{name}, {n} requests", rate, "tokens/s") for n, rate in rates.items()),
            Figure(f"{name}, 32 requests / 1 request", rates[32] / rates[1], "x"),
            Figure(f"{name}, {PROBLEMS} requests of {CANDIDATES} candidates", full, "tokens/s"),
            *await _searched(policy, full, None),
        ]
        if checkpoints.known("ppm"):
            scorer = published()
            figures += await _searched(policy, full, scorer)
            scorer.close()
        return figures
    finally:
        running.close()


async def _generate(policy: ModelPolicy, requests: int, n: int = 1) -> float:
    """Return the tokens per second of so many prompts, 64 tokens each unless the model ends."""
    prompts = [
        policy.template.render(problem.question, START) for problem in load(POOL, limit=requests)
    ]
    with timed() as watch:
        batches = await asyncio.gather(
            *(policy.engine.generate(Request(prompt, n, 0, 1.0, 64, ())) for prompt in prompts)
        )
    return sum(c.tokens for completions in batches for c in completions) / watch.wall


async def _searched(policy: ModelPolicy, full: float, scorer: StepScorer | None) -> list[Figure]:
    """Run MCTS on all problems at once; `full` is the rate without a search around it."""
    config = MCTS(rollouts=8, candidates=CANDIDATES)

    async def reward(trace: Trace, end: Node) -> float:
        return 1.0  # without a PPM a search wants one, and which answer is right is not the matter

    async with Sandbox() as sandbox:
        with timed() as watch:
            traces = await asyncio.gather(
                *(
                    mcts(
                        problem,
                        policy,
                        sandbox,
                        config=config,
                        seed=0,
                        scorer=scorer,
                        reward=None if scorer else reward,
                    )
                    for problem in load(POOL, limit=PROBLEMS)
                )
            )
    rate = sum(trace.usage.policy_generated for trace in traces) / watch.wall
    nodes = sum(len(trace.nodes) - 1 for trace in traces)
    name = f"MCTS on {PROBLEMS} problems, {'PPM' if scorer else 'no PPM'}"
    return [
        Figure(name, rate, "tokens/s"),
        Figure(f"{name}, share of the rate kept", 100 * rate / full, "%"),
        Figure(f"{name}, host time of each of {nodes} nodes", 1000 * watch.host / nodes, "ms"),
    ]
