"""The stages of a round: each reads files and writes files, with a manifest beside them.

A stage whose manifest is there, made from the same recipe and the same inputs, is not run again;
the search resumes inside, at the problem. So a round killed anywhere goes on where it was.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bench.answers import acheck
from bench.errors import BenchError
from bench.problems.generated import tier_problems
from bench.provenance import header
from bench.runner import run_problems
from bench.sandbox import Sandbox, SandboxConfig
from bench.search import MCTS, Node, Trace, first, majority, mcts
from bench.store import RunDir, load_run
from bench.types import Problem
from rstar_train.demonstrator import Demonstrator
from rstar_train.recipe import Recipe
from rstar_train.rows import PairRow, SFTRow, pair_rows, sft_rows

log = logging.getLogger(__name__)
Row = TypeVar("Row", SFTRow, PairRow)


def staged(
    folder: Path, inputs: Mapping[str, Any], work: Callable[[], Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Run `work` unless `folder/stage.json` says it was done on the same inputs."""
    manifest = folder / "stage.json"
    if manifest.is_file():
        stored = json.loads(manifest.read_text())
        if stored["inputs"] == json.loads(json.dumps(inputs)):
            log.info("%s: done before, kept", folder.name)
            figures: Mapping[str, Any] = stored["figures"]
            return figures
    folder.mkdir(parents=True, exist_ok=True)
    manifest.unlink(missing_ok=True)  # of other inputs: killed half-way, the files are neither's
    started = time.perf_counter()
    figures = work()
    figures = {**figures, "stage_seconds": round(time.perf_counter() - started, 1)}
    partial = manifest.with_suffix(".partial")
    partial.write_text(json.dumps({"inputs": inputs, "figures": figures}, indent=2) + "\n")
    partial.replace(manifest)
    return figures


def pool(recipe: Recipe) -> list[Problem]:
    """Return the training pool: the recipe's families of the training split, taking turns."""
    return tier_problems(
        recipe.pool.tier, "train", recipe.pool.problems, families=recipe.pool.families
    )


async def search_round_1(
    problems: Sequence[Problem], recipe: Recipe, folder: Path
) -> Mapping[str, Any]:
    """Terminal-guided search of the pool with the demonstrator, into a run directory."""
    demonstrator = Demonstrator(recipe.search.mistake_rate)
    foreign = [problem.id for problem in problems if not demonstrator.can_solve(problem)]
    if foreign:
        raise BenchError(
            f"the demonstrator cannot write steps for {len(foreign)} problems of the pool, e.g. "
            f"{foreign[0]!r}; leave their family out of pool.families"
        )
    settings = recipe.search
    config = MCTS(settings.rollouts, settings.candidates, settings.max_depth, settings.c)
    run_config = {
        "search": "mcts (terminal-guided, demonstrator)",
        **dataclasses.asdict(config),
        "recipe": recipe.digest("pool", "search"),
    }
    with RunDir.open(folder, header(run_config)) as run:
        async with Sandbox(SandboxConfig()) as sandbox:
            run.note("sandbox", dict(sandbox.about))

            async def search(problem: Problem) -> Trace:
                return await mcts(
                    problem,
                    demonstrator,
                    sandbox,
                    config=config,
                    seed=recipe.seed,
                    reward=_reward(problem),
                )

            await run_problems(
                problems,
                search,
                run=run,
                selectors={"first": first, "majority": majority},
                name="mcts",
                seed=recipe.seed,
                on_done=_progress("search", len(problems), len(run.done)),
            )
        records = run.records()
    failed = [record for record in records if record.is_engine_error]
    if failed:
        raise BenchError(
            f"the search failed on {len(failed)} problems, e.g. {failed[0].problem_id!r} "
            f"({failed[0].error}); repeat the command to search them again"
        )
    return {
        "problems": len(problems),
        "solved": sum(any(s.outcome == "correct" for s in r.samples) for r in records),
    }


def _reward(problem: Problem) -> Callable[[Trace, Node], Any]:
    async def reward(trace: Trace, end: Node) -> float:
        return 1.0 if (await acheck(problem.answer, end.answer)).correct else -1.0

    return reward


def _progress(label: str, total: int, done: int) -> Callable[[object], None]:
    count = done

    def tick(_: object) -> None:
        nonlocal count
        count += 1
        if count % 50 == 0 or count == total:
            log.info("%s: %d of %d problems", label, count, total)

    return tick


def make_rows(problems: Sequence[Problem], trees: Path, folder: Path) -> Mapping[str, Any]:
    """Turn the trees of a search into `sft.jsonl` and `pairs.jsonl`."""
    by_id = {problem.id: problem for problem in problems}
    solutions: list[SFTRow] = []
    pairs: list[PairRow] = []
    mixed = 0
    for stored in load_run(trees).trees():
        problem = by_id.get(stored.problem_id)
        if problem is None or not stored.tree:  # where the harness failed there is no tree
            continue
        trace = Trace.from_json(stored.tree)
        solutions += sft_rows(problem, trace)
        found = pair_rows(problem, trace)
        mixed += bool(found)
        pairs += found
    write_rows(solutions, folder / "sft.jsonl")
    write_rows(pairs, folder / "pairs.jsonl")
    return {
        "problems": len(problems),
        "sft_rows": len(solutions),
        "pairs": len(pairs),
        "step_pairs": sum(row.kind == "step" for row in pairs),
        "problems_with_pairs": mixed,
        "sft_sha256": file_digest(folder / "sft.jsonl"),
        "pairs_sha256": file_digest(folder / "pairs.jsonl"),
    }


def write_rows(rows: Sequence[Row], path: Path) -> None:
    """Write rows as JSON lines, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text("".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in rows))
    partial.replace(path)


def read_rows(kind: type[Row], path: Path) -> list[Row]:
    """Read what `write_rows` wrote."""
    return [kind(**json.loads(line)) for line in path.read_text().splitlines()]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
