"""Every method at equal generated tokens: each is run once, to the largest budget, and cut.

Samples and MCTS go on until their tokens are spent, so one run of each serves every smaller budget
as well. A greedy solution and a beam search end when they end; of beams several widths are run, and
which of them a budget pays for shows in the table: a beam that was cut has no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.evaluation.harness import Harness
from bench.evaluation.progress import Progress
from bench.evaluation.spec import RunSpec
from bench.runs.reader import Run
from bench.sandbox import Level

ROLLOUTS = 4096
"""More than any budget of tokens pays for: what ends MCTS is its tokens, or its tree."""


def plan(base: RunSpec, *, tokens: int, beam_widths: Sequence[int]) -> dict[str, RunSpec]:
    """Return the runs to compare at up to so many tokens, by the name of their directory.

    `base` says what they have in common; its search and its budgets do not count.
    """
    greedy = replace(base, search="greedy", ppm=None)
    sample = replace(base, search="sample", tokens=tokens)
    mcts = replace(base, search="mcts", tokens=tokens, rollouts=ROLLOUTS)
    beams = [replace(base, search="beam", beam_width=width) for width in beam_widths]
    return {
        "greedy": greedy,
        f"sample-{tokens}": sample,
        **{f"beam-{beam.beam_width}x{beam.candidates}": beam for beam in beams},
        f"mcts-{tokens}": mcts,
    }


async def compare(
    base: RunSpec,
    out: Path,
    *,
    largest: int,
    beam_widths: Sequence[int],
    concurrency: int = 32,
    level: Level | None = None,
) -> list[Run]:
    """Run what is missing below `out`; return the runs, to be cut at budgets up to the largest.

    Raises BenchError.
    """
    runs = []
    async with Harness(level=level) as harness:
        for name, spec in plan(base, tokens=largest, beam_widths=beam_widths).items():
            with Progress(name) as progress:
                run = await harness.run(
                    spec,
                    out / name,
                    concurrency=concurrency,
                    on_start=progress.start,
                    on_done=progress.tick,
                )
            runs.append(run)
    return runs
