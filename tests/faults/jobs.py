"""Jobs that write files, small enough to be killed thousands of times: what `injector` breaks.

Each is the real code from its entry point down to the files. Scripted are the policy, and what
would cost seconds in every attempt: traces are searched once, in a real sandbox, and kept; what a
header says of the machine is asked once; weights are a few bytes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Self
from unittest.mock import patch

from bench.checkpoints.checkpoint import ADAPTER, EMBEDDED, Checkpoint
from bench.evaluation import comparison, filling, harness, runner, sweep
from bench.evaluation.harness import Harness, Started
from bench.evaluation.spec import Resolved, RunSpec
from bench.evaluation.sweep_file import Combination
from bench.files.atomic import replace as replace_file
from bench.files.digests import file_digest
from bench.prompts import OFFICIAL
from bench.runs.header import make_header, read_header
from bench.runs.proofs import collect_proofs, read_proofs
from bench.runs.reader import load_run
from bench.runs.record import Record
from bench.runs.writer import RunDir
from bench.search import MCTS, Sampling, Trace
from bench.search.registry import find_search
from bench.types import Outcome, Problem
from rstar_train.figures import StageFigures
from rstar_train.publishing.checkpoint import Lineage, publish
from rstar_train.recipes.settings import LoRASettings
from rstar_train.rounds import evolve, journal, stages
from rstar_train.rounds.stages import Stages
from rstar_train.rows.row import write_rows
from rstar_train.training.watcher import cut_curve, find_checkpoint_to_resume
from tests.made_runs import make_record
from tests.scripted import ScriptedPolicy, ScriptedScorer, problem

PROBLEMS = [problem(answer=str(n % 2 + 2), name=f"p{n}") for n in range(5)]
FEW = 3
"""Problems of the jobs that have several runs."""
LORA = LoRASettings(rank=4, alpha=8, dropout=0.0)


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is begun in a folder, can be killed there, and is resumed by itself."""

    work: Callable[[Path], None]
    read: Callable[[Path], Any]
    """What of the finished job must not depend on how often it was interrupted."""


def write(partial: str, index: int) -> str:
    """One step that prints, then an answer."""
    if "<end_of_output>" in partial:
        return f"<answer>It is \\boxed{{{partial.count('y') + index + 2}}}.<end_of_answer>"
    name = "xy"[index % 2]
    return f"\n{name} = {index} + 2\nprint({name})\n<end_of_code>"


_traces: dict[tuple[str, str, bool], Trace] = {}
searched: list[str] = []
"""The problems that were searched in this process."""


class ScriptedHarness(Harness):
    """The harness, but for its models; a search that was done once in this process is kept."""

    async def start(self, resolved: Resolved, demand: object = None) -> Started:
        """Start nothing that is not needed."""
        asked = f"{resolved.spec.search} {resolved.search_config}"
        one_at_a_time = asyncio.Lock()

        async def search(problem: Problem, *, seed: int, begun: Trace | None = None) -> Trace:
            searched.append(problem.id)
            key = asked, problem.id, begun is None
            async with one_at_a_time:  # else each would start a sandbox
                if key not in _traces:
                    bound = resolved.entry.bind(
                        resolved.search_config,
                        ScriptedPolicy(write),
                        await self.start_sandbox(),
                        ScriptedScorer({"x": 0.5, "It is": 0.25}),
                    )
                    more = {} if begun is None else {"begun": begun}
                    _traces[key] = await bound(problem, seed=seed, **more)
            for _ in range(int(problem.id[1:]) % 3):  # not in the order of the problems
                await asyncio.sleep(0)
            return _traces[key]

        return Started(search, {"sandbox": {"level": "scripted"}}, concurrency=3)


class StillMeter:
    """A meter of a machine on which nothing happens and no time passes."""

    def take(self) -> dict[str, float]:
        """Return what it took."""
        return {"wall": 0.0}


class StillDatetime(datetime):
    """A clock that stands still, so that the same work leaves the same bytes."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the first moment of the century."""
        return cls(2001, 1, 1, tzinfo=tz)


@cache
def _header(config: str) -> dict[str, Any]:
    return make_header(json.loads(config), ["rstar-bench", "run"])


def _resolve(spec: RunSpec) -> Resolved:
    entry = find_search(spec.search)
    config = spec.config or entry.config()
    problems = PROBLEMS[: spec.limit]
    return Resolved(spec, entry, config, problems, policy=None, ppm=None, engine="scripted")


@contextmanager
def scripted_parts() -> Iterator[None]:
    """Have the scripted parts in place of the real ones meanwhile."""
    parts: Mapping[ModuleType, Mapping[str, object]] = {
        harness: {
            "resolve": _resolve,
        },
        filling: {
            "make_header": lambda config: _header(json.dumps(config, sort_keys=True)),
        },
        runner: {"time": SimpleNamespace(perf_counter=float), "Meter": StillMeter},
        comparison: {"Harness": ScriptedHarness},
        sweep: {"resolve": lambda spec, problems: _resolve(spec)},
        stages: {
            "git_state": lambda package: None,
            "package_versions": dict,
            "datetime": StillDatetime,
            "time": SimpleNamespace(perf_counter=float),
        },
        journal: {"datetime": StillDatetime},
    }
    with ExitStack() as stack:
        for module, names in parts.items():
            stack.enter_context(patch.multiple(module, **names))
        yield


def do_run(folder: Path) -> None:
    """What `rstar-bench run` does."""
    asyncio.run(_run(folder / "run", _search(len(PROBLEMS))))


def _search(limit: int) -> RunSpec:
    return RunSpec("scripted", None, "mcts", config=MCTS(rollouts=2, candidates=2), limit=limit)


def _sample(limit: int, n: int) -> RunSpec:
    return RunSpec("scripted", None, "sample", config=Sampling(n=n, at_once=2), limit=limit)


async def _run(folder: Path, spec: RunSpec) -> None:
    async with ScriptedHarness(level=None) as started:
        await started.run(spec, folder)


def do_grow(folder: Path) -> None:
    """A run, and then the same command with a larger `--limit` and `--n`."""
    small, large = _sample(FEW, 2), _sample(len(PROBLEMS), 4)
    header = folder / "run" / "run.json"
    if not header.exists() or read_header(folder / "run")["config"]["benchmark"]["problems"] == FEW:
        asyncio.run(_run(folder / "run", small))
    asyncio.run(_run(folder / "run", large))


def read_run(folder: Path) -> Any:
    """Records, line by line, trees and summary of a run."""
    run = load_run(folder)
    return {
        "records": sorted((folder / "records.jsonl").read_text().splitlines()),
        "trees": [asdict(tree) for tree in run.trees()],
        "summary": (folder / "summary.json").read_text(),
        "seconds of": sorted(run.seconds),
    }


def do_compare(folder: Path) -> None:
    """What `rstar-bench compare` does."""
    base = RunSpec("scripted", None, "greedy", template=OFFICIAL.name, limit=FEW)
    how = {"largest": 300, "beam_widths": (1,)}
    specs = comparison.plan_comparison(base, {"candidates": 2, "n": 2}, folder, **how)
    asyncio.run(comparison.run_all(specs))


def do_sweep(folder: Path) -> None:
    """The runs of `rstar-bench sweep`: one cell is read off another's."""
    specs = {"greedy": _greedy(), "two": _sample(FEW, 2), "four": _sample(FEW, 4)}
    cells = sweep.plan_cells([Combination(name, spec, {}) for name, spec in specs.items()])
    asyncio.run(sweep.run_sweep(cells, folder))


def _greedy() -> RunSpec:
    return RunSpec("scripted", None, "greedy", limit=FEW)


def read_runs(folder: Path) -> Any:
    """What `read_run` reads, of every run below a folder."""
    return {file.parent.name: read_run(file.parent) for file in folder.glob("*/run.json")}


@dataclass(frozen=True)
class Count(StageFigures):
    """What a stage of the small round counts."""

    count: int


@dataclass(frozen=True)
class Row:
    """What the small round trains on."""

    text: str


def do_evolve(folder: Path) -> None:
    """A round: search, rows, a training with a curve, publishing, figures."""
    work, out = folder / "work", folder / "published" / "round-1"
    trees = work / "round-1" / "search" / "trees"
    here = Stages(work / "round-1", 1, work / journal.NAME)

    def search() -> Count:
        asyncio.run(_run(trees, _search(FEW)))
        journal.append_progress(work / journal.NAME, "round-1/search", FEW, FEW)
        return Count(len(load_run(trees).records))

    def make_rows() -> Count:
        records = load_run(trees).records
        rows = [Row(f"{r.problem_id} {s.answer}") for r in records for s in r.samples]
        write_rows(rows, here.folder / "rows" / "sft.jsonl")
        return Count(len(rows))

    here.run("search", Count, search, inputs={})
    inputs = {"trees": file_digest(trees / "records.jsonl")}
    here.run("rows", Count, make_rows, inputs=inputs, outputs=("sft.jsonl",))
    parent = Checkpoint(EMBEDDED, "policy", None, {})
    trained = here.train(
        "policy",
        Count,
        lambda lora: _train(here.folder / "rows" / "sft.jsonl", here.folder / "policy"),
        parent=parent,
        data=here.folder / "rows" / "sft.jsonl",
        sections={"lora": LORA},
        weights=ADAPTER,
    )
    lineage = Lineage(
        name="scripted-r1",
        kind="policy",
        parent=parent,
        round=1,
        recipe="scripted",
        searcher={"demonstrator": "scripted"},
        annotation="terminal",
        inputs=trained.inputs,
        figures=trained.figures.to_json(),
        trained_by=trained.trained_by,
    )
    publish(trained.folder, out / "policy", lineage, lora=LORA, leave_out=(stages.MANIFEST,))
    evolve._write_figures(trained.figures, out)


STEPS = 6
"""Of the small round's training; after every other one there is a checkpoint."""


def _train(rows: Path, folder: Path) -> Count:
    """Write what a training writes: checkpoints, a loss curve, an adapter."""
    found = find_checkpoint_to_resume(folder / "trainer", file_digest(rows))
    begun = int(found.name.rpartition("-")[2]) if found else 0
    curve = folder / "loss.jsonl"
    cut_curve(curve, begun)
    for step in range(begun + 1, STEPS + 1):
        with curve.open("a") as file:
            file.write(json.dumps({"step": step, "loss": 1 / step}) + "\n")
        if step % 2 == 0:
            saved = folder / "trainer" / f"checkpoint-{step}"
            saved.mkdir(exist_ok=True)
            (saved / "trainer_state.json").write_text(json.dumps({"step": step}))
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "here"}))
    replace_file(folder / ADAPTER, b"weights of " + rows.read_bytes())
    return Count(STEPS)


_VARYING = ("finished", "stage_seconds", "trained_by", "at", "figures", "trees")
"""Seconds and times; the digest of records, whose order is that in which problems ended."""


def read_evolve(folder: Path) -> Any:
    """The run, every row, weight, curve and figure; not the seconds, and not the journal."""
    files = {
        str(file.relative_to(folder)): _without_times(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "trees" not in file.parts and file.name != journal.NAME
        if "trainer" not in file.parts
    }
    entries = journal.read_journal(folder / "work" / journal.NAME)
    begun = {entry.stage for entry in entries if entry.event == "begun"}
    trees = folder / "work" / "round-1" / "search" / "trees"
    return {"files": files, "trees": read_run(trees), "begun": sorted(begun)}


def _without_times(file: Path) -> Any:
    if file.suffix != ".json":
        return file.read_text()
    return _prune(json.loads(file.read_bytes()))


def _prune(data: Any) -> Any:
    if not isinstance(data, dict):
        return data
    return {key: _prune(value) for key, value in data.items() if key not in _VARYING}


def do_collect(folder: Path) -> None:
    """What `rstar-bench collect-proofs` does with two runs, twice."""
    runs = [_run_of_proofs(name) for name in ("a", "b")]
    collect_proofs(runs[:1], folder / "archives")
    collect_proofs(runs, folder / "archives")


@cache
def _run_of_proofs(name: str) -> Path:
    import tempfile

    path = Path(tempfile.mkdtemp(prefix="rstar-faults-")) / name
    with RunDir.open(path, {"config": {"name": name}}) as run:
        for index in range(FEW):
            run.append(_proved(index, name), {}, {"total": 1.0}, index)
    return path


def _proved(index: int, name: str) -> Record:
    made = make_record(index, {"first": Outcome.CORRECT}, samples=[Outcome.CORRECT])
    answer = json.dumps({"proofs": [name * (index + 1)]})
    return replace(made, samples=(replace(made.samples[0], answer=answer),))


def read_archives(folder: Path) -> Any:
    """The archives' bytes, which are proofs as well."""
    files = sorted((folder / "archives").glob("*.gz"))
    return {file.name: (dict(read_proofs(file)), file.read_bytes().hex()) for file in files}


JOBS: Mapping[str, Job] = {
    "run": Job(do_run, lambda folder: read_run(folder / "run")),
    "grow": Job(do_grow, lambda folder: read_run(folder / "run")),
    "compare": Job(do_compare, read_runs),
    "sweep": Job(do_sweep, read_runs),
    "evolve": Job(do_evolve, read_evolve),
    "collect-proofs": Job(do_collect, read_archives),
}
"""By the verb whose files they write. A new verb that is resumed is one more entry."""


def committed(folder: Path) -> Sequence[str]:
    """The problems that the runs below a folder hold for good: their line is whole."""
    found = []
    for file in sorted(folder.rglob("records.jsonl")):
        found += [json.loads(line)["problem_id"] for line in file.read_bytes().split(b"\n")[:-1]]
    return found
