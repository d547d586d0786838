"""The engines side by side on one policy: start-up, tokens per second, and their greedy answers.

Agreement is with the first engine that runs, problem by problem, to the last character of the first
tokens: engines differ in rounding, and in what they round weights and caches to. An engine that is
not installed has a sentence in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.checkpoints.checkpoint import newest_policy
from bench.engines.base import Engine, Request
from bench.engines.opening import load_engine
from bench.engines.policy import ModelPolicy
from bench.errors import BenchError
from bench.problems import load
from bench.prompts import START, template
from bench.speed.generation import POOL, rate
from bench.speed.measure import measure_time

NAMES = ("openvino", "openvino-cached", "vllm", "transformers")
GREEDY = 8
"""Problems on which greedy texts are compared."""
TOKENS = 48


async def engines(names: Sequence[str] = NAMES, *, widest: int = 32) -> str:
    """Return a table: load and first request, rates by requests in flight, agreement."""
    policy = newest_policy()
    lines = [
        f"  {policy.name}: generated tokens/s of 1, 8 and {widest} requests, and of 8 with 4 "
        "candidates each",
        f"  {'':<18}{'start s':>8}{'1':>8}{'8':>8}{widest:>8}{'8 x 4':>8}   "
        f"greedy texts of {TOKENS} tokens equal to those of the first",
    ]
    first: list[str] | None = None
    for name in names:
        try:
            with measure_time() as start:
                engine = load_engine(policy, name)
                await _greedy(engine, policy.template, 1)
        except BenchError as error:
            lines.append(f"  {name:<18}not measured: {error}")
            continue
        try:
            asking = ModelPolicy(name, engine, template(policy.template))
            rates = [await rate(engine, asking, *each) for each in ((1,), (8,), (widest,), (8, 4))]
            texts = await _greedy(engine, policy.template, GREEDY)
        finally:
            engine.close()
        first = first or texts
        equal = sum(one == other for one, other in zip(first, texts, strict=True))
        numbers = "".join(f"{each:8.0f}" for each in rates)
        lines.append(f"  {name:<18}{start.wall:8.1f}{numbers}   {equal} of {len(texts)}")
    return "\n".join(lines)


async def _greedy(engine: Engine, prompt: str, problems: int) -> list[str]:
    """Return how each problem's greedy solution begins."""
    requests = [
        Request(template(prompt).render(problem.question, START), 1, 0, 0.0, TOKENS, ())
        for problem in load(POOL, limit=problems)
    ]
    answers = await asyncio.gather(*map(engine.generate, requests))
    return [completion.text for (completion,) in answers]
