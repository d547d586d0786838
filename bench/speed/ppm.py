"""The newest published PPM on the siblings of an expansion: together, and one at a time.

Together, their common prefix goes through the model once. That the values are equal either way is
what the tests are for.
"""

from __future__ import annotations

from bench.checkpoints.checkpoint import checkpoints_dir, find_checkpoint, published_checkpoints
from bench.engines.opening import open_scorer
from bench.engines.ppm import PPMScorer
from bench.engines.turns import Turns
from bench.errors import CheckpointError
from bench.problems import load
from bench.prompts import START
from bench.speed.measure import Figure, measure_time

PROBLEMS = 16
CANDIDATES = 4


async def ppm() -> list[Figure]:
    """Time the newest published PPM on the siblings of an expansion, together and one by one."""
    scorer = open_newest_ppm()
    partial = f"{START}\n# Step 1: Count all jars\njars = 14 * 6\n<end_of_step>"
    siblings = [
        f"\n# Step 2: Take away {i} jars\nwhole = jars - {i}\n<end_of_step>"
        for i in range(CANDIDATES)
    ]
    problems = load("embedded-grade-school", limit=PROBLEMS)
    try:
        paths = [[sibling] for sibling in siblings]
        await scorer.scoring(problems[0]).score(partial, paths)  # the first pass allocates
        with measure_time() as packed:
            together = [await scorer.scoring(each).score(partial, paths) for each in problems]
        with measure_time() as single:
            alone = [
                await scorer.scoring(each).score(partial, [path])
                for each in problems
                for path in paths
            ]
    finally:
        scorer.close()
    tokens, tokens_alone = (sum(s.tokens for s in scores) for scores in (together, alone))
    return [
        Figure(f"{CANDIDATES} siblings together", tokens / packed.wall, "tokens/s"),
        Figure("one at a time", tokens_alone / single.wall, "tokens/s"),
        Figure("tokens, together / one at a time", tokens / tokens_alone, "x"),
        Figure("time, together / one at a time", packed.wall / single.wall, "x"),
        Figure("an expansion scored", 1000 * packed.wall / len(problems), "ms"),
    ]


def open_newest_ppm(turns: Turns | None = None) -> PPMScorer:
    """Load the newest published PPM. Raises CheckpointError: there is none."""
    names = list(published_checkpoints("ppm"))
    if not names:
        raise CheckpointError(
            f"no PPM is published under {checkpoints_dir()}; train one with: "
            "rstar-train evolve --recipe smollm2-cpu --rounds 1"
        )
    checkpoint = find_checkpoint(names[-1], "ppm")
    return open_scorer(checkpoint, turns)
