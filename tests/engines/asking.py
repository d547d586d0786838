"""What the tests of engines ask them: requests that differ in everything, all at the same time.

Each call has an event loop of its own, as an engine belongs to none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bench.engines.base import Completion, Engine, Request

COUNTING = "one, two,\nthree, four,\none, two,\nthree, four,\none, two,\n"
"""What follows is plain to a small model: `three, four,` and so on."""


def request(prompt: str = "def add(a, b):\n    return", **changes: object) -> Request:
    fields = {"n": 1, "seed": 1, "temperature": 1.0, "max_tokens": 12, "stop": ()}
    return Request(prompt, **{**fields, **changes})  # type: ignore[arg-type]


def mixed() -> list[Request]:
    """Twelve requests that differ in everything a request has, greedy ones among them."""
    requests = []
    for i in range(12):
        greedy = i % 4 == 0
        requests.append(
            Request(
                prompt="# Sum the numbers.\n" * (1 + i % 5) + f"x{i} = ",
                n=1 if greedy else 1 + i % 3,
                seed=i,
                temperature=0.0 if greedy else 0.7 + 0.1 * (i % 3),
                max_tokens=4 + i % 5,
                stop=("# S", "=") if i % 2 else (),
            )
        )
    return requests


def ask(engine: Engine, requests: Sequence[Request]) -> list[list[Completion]]:
    """The completions of requests that are made at the same time."""

    async def gathered() -> list[list[Completion]]:
        return await asyncio.gather(*map(engine.generate, requests))

    return asyncio.run(gathered())


def ask_one(engine: Engine, one: Request) -> list[Completion]:
    return ask(engine, [one])[0]
