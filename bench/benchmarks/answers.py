"""One answer check: by spelling, in this process, and by math-verify, in a worker.

The answers are made up, fractions and roots, every one new: verdicts are remembered, and a second
question would be answered from memory. Whether verdicts are right is what the tests are for.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

from bench.answers import acheck, check, close_checkers
from bench.benchmarks.figures import Figure, percentile, timed


async def answers(count: int = 300) -> list[Figure]:
    """Time checks one after the other, by who decided, then the undecided kind all at once."""
    try:
        with timed() as start:
            check("1/3", "2/6")
        seconds: dict[str, list[float]] = {"spelling": [], "math-verify": []}
        for gold, prediction in _pairs(count, seed=1):
            with timed() as one:
                verdict = check(gold, prediction)
            seconds["spelling" if verdict.comparer == "string" else "math-verify"].append(one.wall)
        hard = [pair for index, pair in enumerate(_pairs(count, seed=2)) if index % 3]
        with timed() as together:
            await asyncio.gather(*(acheck(gold, prediction) for gold, prediction in hard))
    finally:
        close_checkers()
    medians = {path: percentile(times, 50) for path, times in seconds.items()}
    figures = [Figure("first check, which starts the workers", start.wall, "s")]
    for path, times in seconds.items():
        figures += [
            Figure(f"{path}, median of {len(times)}", 1000 * medians[path], "ms"),
            Figure(f"{path}, 99th percentile", 1000 * percentile(times, 99), "ms"),
        ]
    return [
        *figures,
        Figure(
            "math-verify / spelling, medians", medians["math-verify"] / medians["spelling"], "x"
        ),
        Figure("math-verify, all at once", len(hard) / together.wall, "checks/s"),
    ]


def _pairs(count: int, *, seed: int) -> Iterator[tuple[str, str]]:
    """Yield references and predictions: equal by spelling, equal by algebra, and different."""
    draw = random.Random(seed)
    for index in range(count):
        a, b = draw.randint(1000, 9999), draw.randint(11, 99)
        gold = rf"\frac{{{a}}}{{{b}}}" if index % 2 else rf"{a}\sqrt{{{b}}}"
        same = rf"\frac{{{2 * a}}}{{{2 * b}}}" if index % 2 else rf"\sqrt{{{a * a * b}}}"
        spelled = gold.replace(r"\frac", r"\dfrac").replace(r"\sqrt", r"\, \sqrt")
        yield gold, (f"${spelled}$", same, same.replace("{", "{1", 1))[index % 3]
