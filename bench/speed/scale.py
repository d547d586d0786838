"""Whether a run of very many problems holds its memory and its rate.

The policy is scripted and answers at once, so what is measured is the rest: searching a small tree,
grading it, and writing and reading the run. Each part is a process of its own, whose memory is
watched with that of all its children (`bench.speed.memory`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from bench.checkpoints.ppm_config import LAST
from bench.cluster.driver import solve_on
from bench.cluster.settings import ClusterSettings
from bench.errors import BenchError, MissingExtraError
from bench.evaluation.filling import fill_run
from bench.evaluation.harness import Harness
from bench.evaluation.runner import Solver, solve_by
from bench.evaluation.spec import Resolved, RunSpec
from bench.evaluation.work import Solving, solve_here
from bench.files import atomic
from bench.runs.record import Record
from bench.search import MCTS, mcts
from bench.search.registry import find_search
from bench.speed.measure import Figure
from bench.speed.memory import PROC, measure_peak
from bench.speed.scripted import Scripted, answer_at_once
from bench.types import Problem

PROBLEMS = 100_000
PARTS = 10
"""The rate is told of each such part."""
MOST_GB = 2.0
_NAME = "made-for-scale"
_TIMES = "parts.json"
_CONFIG = MCTS(rollouts=4, candidates=4)


def make_problems(count: int) -> list[Problem]:
    """Return so many problems of the length of a word problem."""
    filler = "A farmer counts what is left in the barn after each of the days of a week. " * 3
    return [
        Problem(f"made-{n:07d}", f"{filler}How much is {n} and 1?", str(n + 1), _NAME)
        for n in range(count)
    ]


def resolve_made(count: int) -> Resolved:
    """Return the specification of a run of so many made problems."""
    spec = RunSpec(_NAME, None, "mcts", config=_CONFIG, limit=count)
    problems = make_problems(count)
    return Resolved(spec, find_search("mcts"), _CONFIG, problems, None, None, "scripted")


@dataclass(frozen=True, slots=True)
class MadeWork:
    """Solving made problems as work: a real sandbox, and the scripted policy."""

    search: str = "mcts"
    seed: int = 0

    @property
    def selectors(self) -> tuple[str, ...]:
        """Names of the selectors."""
        return tuple(find_search(self.search).choose_by(LAST))

    async def start(self, harness: Harness) -> Solver:
        """Start the sandbox, and the processes of the checker."""
        scripted, sandbox = Scripted(answer_at_once), await harness.start_sandbox()
        search = partial(
            mcts, policy=scripted, sandbox=sandbox, config=_CONFIG, seed=self.seed, scorer=scripted
        )
        selectors = find_search(self.search).choose_by(scripted.aggregate)
        solve = solve_by(search, selectors, name=self.search, seed=self.seed)
        await solve(make_problems(1)[0])  # the checker's processes start with the first question
        return Solver(solve, {"sandbox": dict(sandbox.about)})


@dataclass(frozen=True, slots=True)
class Moment:
    """When a part of the problems was done."""

    wall: float
    """Seconds of a clock that never goes back."""
    cpu: float
    """Processor time of the run's own process."""


@dataclass
class Parts:
    """Notes when each part of the problems was done; nothing grows but for that."""

    count: int
    done: int = 0
    moments: list[Moment] = field(default_factory=list)

    def start(self) -> None:
        """Begin now."""
        self.moments = [Moment(time.monotonic(), time.process_time())]

    def tick(self, record: Record) -> None:
        """Count one more."""
        self.done += 1
        if self.done * PARTS >= self.count * len(self.moments):
            self.moments.append(Moment(time.monotonic(), time.process_time()))


async def run_made(count: int, folder: Path, solving: Solving = solve_here) -> None:
    """Run so many made problems into `folder`, and write there how long each part took."""
    resolved, parts = resolve_made(count), Parts(count)

    @asynccontextmanager
    async def begin() -> AsyncIterator[Solver]:
        async with solving(MadeWork()) as solver:
            parts.start()
            yield solver

    await fill_run(resolved, folder / "run", begin, on_done=parts.tick)
    if parts.moments:
        atomic.replace_json(folder / _TIMES, [asdict(each) for each in parts.moments])


async def scale(problems: int = PROBLEMS) -> list[Figure]:
    """Run so many problems; then the finished run again, and its report.

    Raises BenchError: there is no /proc, or a command fails.
    """
    with tempfile.TemporaryDirectory(prefix="rstar-scale-") as name:
        folder = Path(name)
        figures = await _measure_run(problems, folder)
        again = await measure_peak(_command(problems, folder))
        reported = await measure_peak(
            (sys.executable, "-m", "bench.cli", "report", str(folder / "run"))
        )
        size = sum(each.stat().st_size for each in (folder / "run").rglob("*") if each.is_file())
    return [
        *figures,
        Figure("finished, run again", again.total / 1e9, "GB", at_most=MOST_GB),
        Figure("its report", reported.total / 1e9, "GB", at_most=MOST_GB),
        Figure("on disk", size / 1e9, "GB"),
    ]


async def scale_on_ray(problems: int = PROBLEMS) -> list[Figure]:
    """Run so many problems by the actors of a Ray cluster that is started here, one for each core.

    Its memory holds Ray's own processes. Raises BenchError: Ray is not installed.
    """
    if find_spec("ray") is None:
        raise MissingExtraError("this section", "ray", "ray")
    with tempfile.TemporaryDirectory(prefix="rstar-scale-") as name:
        return await _measure_run(problems, Path(name), "--ray", str(os.cpu_count() or 1))


async def _measure_run(problems: int, folder: Path, *more: str) -> list[Figure]:
    if not (PROC / "self" / "smaps_rollup").exists():
        raise BenchError("the kernel tells no proportional set sizes (/proc/PID/smaps_rollup)")
    peak = await measure_peak(_command(problems, folder, *more))
    moments = [Moment(**each) for each in json.loads((folder / _TIMES).read_text())]
    return [
        *show_parts(moments, problems),
        Figure(f"{problems:,} problems, all processes", peak.total / 1e9, "GB", at_most=MOST_GB),
        Figure("its own process", peak.main / 1e9, "GB"),
    ]


def _command(problems: int, folder: Path, *more: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "bench.speed.scale", str(problems), str(folder), *more)


def show_parts(moments: Sequence[Moment], problems: int) -> list[Figure]:
    """Return the rate of each part, and how the last compares with the first.

    Beside the wall clock's there is the processor's, in which no neighbour shows.
    """
    pairs, each = list(zip(moments, moments[1:], strict=False)), problems / PARTS
    rates = [each / (end.wall - start.wall) for start, end in pairs]
    costs = [1000 * (end.cpu - start.cpu) / each for start, end in pairs]
    return [
        *(Figure(f"part {n} of {PARTS}", rate, "problems/s") for n, rate in enumerate(rates, 1)),
        Figure("last part / first", rates[-1] / rates[0], "x", at_least=0.9),
        Figure("CPU a problem, first part", costs[0], "ms"),
        Figure("CPU a problem, last part", costs[-1], "ms", at_most=1.1 * costs[0]),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Be the run that is measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.scale")
    parser.add_argument("problems", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ray", type=int, metavar="ACTORS")
    given = parser.parse_args(argv)
    solving = solve_here if given.ray is None else solve_on(ClusterSettings(actors=given.ray))
    asyncio.run(run_made(given.problems, given.folder, solving))
    return 0


if __name__ == "__main__":
    # Ray sends classes to its actors by the name of their module, which this one has only there.
    from bench.speed.scale import main as run

    sys.exit(run())
