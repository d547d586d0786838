"""What `make demo` shows: four searches, before and after training, in one table.

Both halves of the table use the newest published PPM and the same temperature. They differ in the
policy alone, and in the prompt it was made for. Nothing in it is canned: delete the run directories
and it is all made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.checkpoints.checkpoint import EMBEDDED, newest_policy
from bench.engines.policy import SamplingSettings
from bench.evaluation.harness import Harness
from bench.evaluation.progress import Progress
from bench.evaluation.spec import RunSpec
from bench.reports.leaderboard import Table, leaderboard
from bench.sandbox import Level
from bench.search import MCTS, Greedy, Sampling, SearchConfig

BENCHMARK = "embedded-grade-school"
SEARCHES: Mapping[str, SearchConfig] = {
    "greedy": Greedy(),
    "sample": Sampling(n=8),
    # The programs of this tier have at most 6 steps.
    "mcts": MCTS(rollouts=8, candidates=4, max_depth=8),
}
"""`sample` gives two rows: majority and best-of-N choose from the same 8 solutions."""


async def demo(out: Path, *, limit: int, level: Level | None = None) -> Table:
    """Run everything the table needs, resuming what is there. Raises BenchError."""
    runs = []
    async with Harness(level=level) as harness:
        for policy in (EMBEDDED, newest_policy().name):
            for search, config in SEARCHES.items():
                spec = RunSpec(
                    benchmark=BENCHMARK,
                    policy=policy,
                    search=search,
                    config=config,
                    limit=limit,
                    # One temperature, so that only the policy differs between the halves.
                    sampling=SamplingSettings(temperature=1.0, step_tokens=48, solution_tokens=192),
                )
                with Progress(f"{policy} {search}") as progress:
                    run = await harness.run(
                        spec,
                        out / f"{policy}-{search}-{limit}",
                        on_start=progress.start,
                        on_done=progress.tick,
                    )
                runs.append(run)
    return leaderboard(runs)
