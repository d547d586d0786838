"""What `make demo` shows: a policy before and after training, what search adds, and exact proofs.

The trained policy's searches are cut at the same number of generated tokens, and a sentence says
what its samples left for them to win. Nothing is canned: delete the run directories and it is all
made again. One policy's engine is closed before the next is opened. Inequalities need no policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.checkpoints.checkpoint import EMBEDDED, newest_policy, published_checkpoints
from bench.engines.policy import SamplingSettings
from bench.evaluation.comparison import ROLLOUTS
from bench.evaluation.harness import Harness
from bench.evaluation.progress import Progress
from bench.evaluation.spec import RunSpec
from bench.reports.headroom import headroom
from bench.reports.headroom.choosing import describe
from bench.reports.leaderboard import Table, leaderboard
from bench.reports.token_budget import cut
from bench.runs.reader import Run
from bench.sandbox import Level
from bench.search import MCTS, Greedy, Sampling, SearchConfig
from bench.search.inequalities import Closers
from bench.types import Outcome

BENCHMARK = "embedded-dial"
TRAINED = "smollm2-dial-r"
"""What the rounds are called that were trained for this benchmark; the newest is shown."""
TOKENS = 1024
"""Generated tokens of a problem, at which every search is cut."""
SEARCHES: Mapping[str, SearchConfig] = {
    "greedy": Greedy(),
    "sample": Sampling(n=8, tokens=TOKENS, greedy_first=True),
    "mcts": MCTS(rollouts=ROLLOUTS, candidates=6, tokens=TOKENS, c=0.5, rules="efficient"),
}
"""Majority, best-of-N and the weighted vote choose from the same samples."""
INEQUALITIES = "embedded-inequalities"
STATEMENTS = 16
CPU_SECONDS = 5.0
"""Processor time of a statement."""
SAMPLING = SamplingSettings(temperature=0.7, step_tokens=64, solution_tokens=192)
"""One temperature, so that only the policy differs between the rows of greedy."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What is shown."""

    table: Table
    headroom: str
    """What the samples say about a search, as a sentence."""
    proofs: str
    """What the prover made of generated inequalities, as a sentence."""


async def demo(out: Path, *, limit: int, level: Level | None = None) -> Demo:
    """Run everything that is shown, resuming what is there. Raises BenchError."""
    before = _plan(EMBEDDED, ["greedy"], out, limit)
    after = _plan(find_trained(), list(SEARCHES), out, limit)
    Harness.check({**before, **after, **_plan_proofs(out)})
    runs = await _run(before, level)
    runs += await _run(after, level)
    (found,) = headroom(runs[1:])
    whole = found.sampled[0].parts[0].choosing
    return Demo(
        leaderboard([cut(run, TOKENS) for run in runs]),
        f"{found.policy}, {whole.problems} problems: {describe(whole)}.",
        await _prove(out),
    )


def _plan_proofs(out: Path) -> dict[Path, RunSpec]:
    config = Closers(cpu_seconds=CPU_SECONDS)
    spec = RunSpec(
        benchmark=INEQUALITIES, policy=None, search="closers", config=config, limit=STATEMENTS
    )
    return {out / f"{INEQUALITIES}-{STATEMENTS}": spec}


async def _prove(out: Path) -> str:
    (run,) = await _run(_plan_proofs(out), None)
    right = [
        sample.answer or ""
        for record in run.records
        for sample in record.samples
        if sample.outcome is Outcome.CORRECT
    ]
    refuted = sum(answer.startswith('{"refuted"') for answer in right)
    spent = sum(parts.get("cpu", 0.0) for parts in run.seconds.values())
    return (
        f"Inequalities, {len(run.records)} generated: {len(right) - refuted} proved and checked "
        f"exactly, {refuted} refuted at a rational point, {len(run.records) - len(right)} open "
        f"({spent:.0f} CPU s)."
    )


def find_trained() -> str:
    """Return the newest policy that was trained for the demo's benchmark, else the newest."""
    names = [name for name in published_checkpoints("policy") if name.startswith(TRAINED)]
    return names[-1] if names else newest_policy().name


def _plan(policy: str, searches: list[str], out: Path, limit: int) -> dict[Path, RunSpec]:
    return {
        out / f"{policy}-{search}-{limit}": RunSpec(
            benchmark=BENCHMARK,
            policy=policy,
            search=search,
            config=SEARCHES[search],
            limit=limit,
            sampling=SAMPLING,
        )
        for search in searches
    }


async def _run(specs: Mapping[Path, RunSpec], level: Level | None) -> list[Run]:
    runs = []
    async with Harness(level=level) as harness:
        for path, spec in specs.items():
            label = spec.benchmark if spec.policy is None else f"{spec.policy} {spec.search}"
            with Progress(label) as progress:
                run = await harness.run(spec, path, on_start=progress.start, on_done=progress.tick)
            runs.append(run)
    return runs
