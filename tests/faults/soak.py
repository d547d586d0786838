"""A long run of scripted searches in real interpreters, whose processes are killed at random.

    python -m tests.faults.soak --problems 2000

One program (`--search FOLDER`) searches the problems side by side with MCTS. Meanwhile nodes,
zygotes and the program itself are killed with SIGKILL, at moments that a seed gives; the program is
started again until it ends by itself and no problem failed. Its records must be those of a run that
was left alone, and its memory, with that of all its children, must not grow. Moments are counted in
seconds that the program computed, so that a busy machine does not kill it more often than it works.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from bench.evaluation.runner import run_problems
from bench.runs.reader import load_run
from bench.runs.writer import RunDir
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import MCTS, Trace, mcts, select_first
from bench.types import Problem
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

ROOT = Path(__file__).parents[2]
CONCURRENCY = 16
PARTS = 4
"""After each such part of the problems memory is looked at, and shortly before the last."""
EVERY_SECONDS = 0.1
"""Of the program's CPU time, between two kills, on average."""
KILLED = {"node": 0.8, "zygote": 0.12, "program": 0.08}
"""What is killed, and how often."""
STEPS = (
    "x = {n}\nprint(x)",
    "from math import comb\ny = comb({n} + 9, 4)\nprint(y)",
    "import sympy\nz = sympy.factorint({n} * 91)\nprint(z)",
    "rows = [[k] * {n} for k in range(400)]\nprint(len(rows))",
    "1 / 0",
)


def write(name: str, partial: str, index: int) -> str:
    """The next step of a problem: programs that differ, two deep, and then an answer."""
    depth = partial.count("<end_of_step>")
    if "<end_of_output>" in partial:
        return f"<answer>It is \\boxed{{{len(partial) % 3}}}.<end_of_answer>"
    number = int(name[1:])
    code = STEPS[(number + depth + index) % len(STEPS)].format(n=number % 97 + index + 2)
    end = "<end_of_step>" if depth < 1 else "<end_of_code>"
    return f"\n{code}  # {name} {depth} {index}\n{end}"


async def search_all(count: int, folder: Path) -> None:
    """Search the problems, resuming what is there."""
    problems = [problem(answer=str(n % 3), name=f"p{n:05}") for n in range(count)]
    async with Sandbox(SandboxConfig(workers=2, live=64)) as sandbox:

        async def search(problem: Problem) -> Trace:
            return await mcts(
                problem,
                policy=ScriptedPolicy(partial(write, problem.id)),
                sandbox=sandbox,
                config=MCTS(rollouts=3, candidates=2, max_depth=4),
                seed=0,
                scorer=ScriptedScorer({"x": 0.5, "y": 0.25}),
            )

        with RunDir.open(folder, {"config": {"soak": count}}) as run:
            await run_problems(
                problems,
                search,
                run=run,
                selectors={"first": select_first},
                seed=0,
                name="mcts",
                concurrency=CONCURRENCY,
            )


@dataclass
class Soaked:
    """What a soak did and found."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    pss: list[tuple[int, float]] = field(default_factory=list)
    """Problems that were done, and MiB of the program and its children then."""
    failures: int = 0
    """Problems that failed for the harness and were searched again."""
    seconds: float = 0.0


def soak(count: int, folder: Path, *, kills: bool, seed: int = 0) -> Soaked:
    """Run the program to its end, killing meanwhile if it is to be."""
    found, chance, began = Soaked(), random.Random(seed), time.monotonic()
    marks = [count * part // PARTS for part in range(1, PARTS)]
    marks.append(count - CONCURRENCY)  # later there is less and less to do
    while True:
        found.starts += 1
        command = [sys.executable, "-m", "tests.faults.soak", "--problems", str(count)]
        with subprocess.Popen([*command, "--search", str(folder)], cwd=ROOT) as program:
            due = EVERY_SECONDS
            while program.poll() is None:
                time.sleep(0.05)
                done = _count_done(folder)
                if marks and done >= marks[0] and (pss := _pss(program.pid)):
                    found.pss.append((done, pss))
                    marks.pop(0)
                if kills and (now := _cpu_seconds(program.pid)) >= due:
                    due = now + chance.uniform(0, 2 * EVERY_SECONDS)
                    found.kills.update(_kill_one(program.pid, chance))
        if program.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(f"the program ended with status {program.returncode}")
        failed = sum(record.is_engine_error for record in load_run(folder).records)
        if program.returncode == 0 and not failed:
            found.seconds = time.monotonic() - began
            return found
        found.failures += failed


def _count_done(folder: Path) -> int:
    file = folder / "records.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def _cpu_seconds(program: int) -> float:
    try:
        times = psutil.Process(program).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def _kill_one(program: int, chance: random.Random) -> Sequence[str]:
    """Kill a process of the family tree: program, keeper, zygote, nodes; return what it was."""
    what = chance.choices(list(KILLED), list(KILLED.values()))[0]
    try:
        keepers = psutil.Process(program).children()
        below = [child for keeper in keepers for child in keeper.children()]
        zygotes = [min(keeper.children(), key=lambda p: p.create_time()) for keeper in keepers]
        nodes = [child for child in below if child not in zygotes]
        chosen = {"node": nodes, "zygote": zygotes, "program": [psutil.Process(program)]}[what]
        if not zygotes or not chosen:  # it is still starting, and would never come to work
            return ()
        chance.choice(chosen).kill()
    except (psutil.NoSuchProcess, ValueError):
        return ()
    return (what,)


def _pss(program: int) -> float:
    """MiB that a process and all below it hold, what they share counted once."""
    total = 0
    try:
        tree = psutil.Process(program)
        for each in (tree, *tree.children(recursive=True)):
            for line in Path(f"/proc/{each.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    except (psutil.NoSuchProcess, OSError):
        return 0.0
    return total / 1024


def differences(whole: Path, broken: Path) -> list[str]:
    """Return the problems whose records or trees differ between two runs."""
    kept = []
    for folder in (whole, broken):
        run = load_run(folder)
        trees = {tree.problem_id: tree.tree for tree in run.trees()}
        kept.append({r.problem_id: (r.to_json(), trees.get(r.problem_id)) for r in run.records})
    names = sorted({*kept[0], *kept[1]})
    return [name for name in names if kept[0].get(name) != kept[1].get(name)]


def main() -> None:
    """Soak, and print what was found; or be the program that is killed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    parser.add_argument("--search", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.search:
        asyncio.run(search_all(given.problems, given.search))
        return
    with tempfile.TemporaryDirectory(prefix="rstar-soak-") as folder:
        whole, broken = Path(folder) / "whole", Path(folder) / "broken"
        alone = soak(given.problems, whole, kills=False)
        killed = soak(given.problems, broken, kills=True, seed=given.seed)
        for name, each in (("left alone", alone), ("killed", killed)):
            told = ", ".join(f"{n} {what}" for what, n in sorted(each.kills.items())) or "nothing"
            memory = ", ".join(f"{pss:.0f} at {done}" for done, pss in each.pss)
            print(
                f"{name}: {each.seconds:.0f} s, {each.starts} starts, killed {told}, "
                f"{each.failures} failures searched again, PSS in MiB: {memory}"
            )
        print(f"differences: {differences(whole, broken)}")


if __name__ == "__main__":
    main()
