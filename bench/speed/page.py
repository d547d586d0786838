"""The page: how long a run of 500 problems takes to become one, and a tree of 2,000 nodes to open.

The run is made up: trees of the size that 1,024 generated tokens give, with a clock. Opening is
timed in a headless Chromium where there is one, from the click until the tree is drawn.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.page.pages import write_page
from bench.runs.grading import select
from bench.runs.record import Record, Sample, Tokens
from bench.runs.writer import RunDir
from bench.search import EventKind, NodeKind, Trace
from bench.search.registry import find_search
from bench.search.tree import new_trace
from bench.speed.chromium import find_chromium, open_tab
from bench.speed.measure import Figure, measure_time
from bench.types import Outcome

PROBLEMS, NODES, LARGE = 500, 70, 2000
OPENED = 5
"""Times that the large tree is opened, of which the median counts."""
CANDIDATES = 4
_KINDS = (
    (NodeKind.STEP,) * 5
    + (NodeKind.CODE_END, NodeKind.ANSWER) * 2
    + (*(NodeKind.DUPLICATE, NodeKind.FAILED_CODE, NodeKind.CUT),)
)


async def measure_page() -> list[Figure]:
    """Write a page of a run and of one large tree; open the tree where there is a Chromium."""
    with TemporaryDirectory() as folder:
        made = make_run(Path(folder) / "run", problems=PROBLEMS, nodes=NODES)
        with measure_time() as writing:
            written = write_page([made], Path(folder) / "page.html")
        large = make_run(Path(folder) / "large", problems=1, nodes=LARGE)
        page = write_page([large], Path(folder) / "large.html").files[0]
        figures = [
            Figure(f"page of {PROBLEMS} problems", writing.wall, "s", at_most=10),
            Figure("its size", written.size / 1e6, "MB", at_most=30),
        ]
        if find_chromium() is not None:
            seconds = open_tree(page, Path(folder) / "profile")
            name = f"tree of {LARGE} nodes opened, Chromium"
            figures.append(Figure(name, seconds, "s", at_most=0.5))
        return figures


def open_tree(page: Path, profile: Path) -> float:
    """Return the seconds from asking for a page's first problem until its tree is drawn."""
    program = """new Promise((done) => {
      const drawn = () => document.querySelector(".trees .step[data-node]");
      const start = performance.now();
      document.querySelector("#problem-list .row").click();
      (function look() {
        if (drawn()) requestAnimationFrame(() => done(performance.now() - start));
        else setTimeout(look, 1);
      })();
    })"""
    taken = []
    with open_tab(profile) as tab:
        for _ in range(OPENED):
            tab.visit(page, "#/problems")
            taken.append(float(tab.run(program)) / 1000)
    return median(taken)


def make_run(
    folder: Path,
    *,
    problems: int,
    nodes: int,
    write: Callable[[random.Random, str], str] | None = None,
    seed: int = 0,
    policy: str = "made-up",
) -> Path:
    """Write a run of made-up MCTS trees; `write` gives a step's text, from its path."""
    names = {"policy": {"name": policy}, "ppm": {"name": policy}, "benchmark": {"name": "made-up"}}
    search = {"name": "mcts", "rollouts": 64, "candidates": CANDIDATES, "aggregate": "last"}
    header = {"config": {**names, "search": search, "seed": seed}}
    selectors = find_search("mcts").choose_by("last")
    with RunDir.open(folder, header) as run:
        for number in range(problems):
            draw = random.Random(f"{seed}:{number}")
            trace = _grow(f"problem-{number:04}", draw, nodes, write or _write_step)
            samples = tuple(_grade(trace, end, draw) for end in trace.rollouts)
            usage = trace.usage
            record = Record(
                problem_id=trace.problem_id,
                seed=0,
                benchmark="made-up",
                gold="7",
                search="mcts",
                samples=samples,
                selected=select(trace, samples, selectors),
                tokens=Tokens(usage.policy_prompt, usage.policy_generated, usage.ppm),
                executions=usage.executions,
            )
            run.append(record, trace.to_json(), {"total": 1.0}, number)
    return folder


def _grow(
    name: str, draw: random.Random, nodes: int, write: Callable[[random.Random, str], str]
) -> Trace:
    """Return a tree that grows where a step is still open, with values drawn at random."""
    trace = new_trace(name, "mcts", 0, "<code>")
    leaves = [trace.nodes[0]]
    while len(trace.nodes) < nodes:
        parent = leaves.pop(draw.randrange(len(leaves))) if leaves else trace.nodes[0]
        first = parent is trace.nodes[0]
        for candidate in range(CANDIDATES):
            kind = NodeKind.STEP if first and candidate == 0 else draw.choice(_KINDS)
            path = f"{parent.path}.{candidate}"
            node = trace.add(parent, candidate, write(draw, path), kind, 25, prompt=100)
            if kind is NodeKind.ANSWER:
                node.answer = str(draw.choice((7, 7, 9, 12)))
                node.text = f"<answer>It is \\boxed{{{node.answer}}}.<end_of_answer>"
            elif kind is NodeKind.FAILED_CODE:
                node.status, node.error = "error", "NameError: name 'x' is not defined"
            else:
                node.status = "ok"
            trace.record(EventKind.EXECUTED, node)
            if kind.is_valid:
                value = round(draw.uniform(-1, 1), 6)
                trace.record(EventKind.SCORED, node, value, ppm=25)
                if kind is NodeKind.ANSWER:
                    trace.record(EventKind.REACHED, node, value)
                    trace.record(EventKind.ROLLOUT, node)
                else:
                    leaves.append(node)
        trace.record(EventKind.EXPANDED, parent)
    return trace


def _write_step(draw: random.Random, path: str) -> str:
    a, b = draw.randrange(1000), draw.randrange(1000)
    return f"\n# Step {path}: add {a} to {b}\ntotal_{a} = {a} + {b} * x\n<end_of_step>"


def _grade(trace: Trace, end: int, draw: random.Random) -> Sample:
    node = trace.nodes[end]
    scores = tuple(each.value for each in trace.lineage(end) if each.value is not None)
    outcome = Outcome.CORRECT if node.answer == "7" else Outcome.WRONG
    if draw.random() < 0.02:
        outcome = Outcome.UNPARSED
    return Sample(node.answer, outcome, scores[-1], scores, node.depth * 25, "number: compared")
