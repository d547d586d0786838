"""`ppm`: how a reward model is read and served, and whether engines agree on its scores."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from bench.cli.options import positive_integer
from bench.console import Counter, print_rich
from bench.errors import BenchError, UnknownNameError

_LIMIT = 32
_BATCHED = "-batched"
"""Behind an engine's name: passes of several searches as one, as by --batch-scores."""


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "ppm",
        help="how a reward model is read and served, and whether engines agree on its scores",
        description="Say how a reward model is read and served; compare its scores on engines.",
    )
    kinds = command.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_show(kinds)
    _add_parity(kinds)


def _add_show(kinds: Any) -> None:
    show = kinds.add_parser(
        "show",
        help="print how a PPM is read, where its weights are and how a server of it is started",
        description="Print how a PPM is read, where its full weights are (an adapter is merged "
        "once) and the command that starts a server of it.",
    )
    _add_ppm(show)
    show.set_defaults(run=_show)


def _add_parity(kinds: Any) -> None:
    parity = kinds.add_parser(
        "parity",
        help="score the same steps by several engines; fail where they differ",
        description="Score the same steps by several engines and compare. Exit status 1 says that "
        "two differ by more than the bound.",
    )
    _add_ppm(parity)
    parity.add_argument(
        "--engines",
        required=True,
        metavar="NAME,NAME[,...]",
        help="of transformers, transformers-batched (as by --batch-scores), invariant, vllm "
        "and server",
    )
    parity.add_argument(
        "--ppm-url",
        metavar="URL[,URL...]",
        help="servers that `server` asks, e.g. http://localhost:8001 [RSTAR_BENCH_PPM_URL]",
    )
    steps = parity.add_mutually_exclusive_group()
    steps.add_argument(
        "--run",
        dest="run_dir",
        type=Path,
        metavar="RUN",
        help="score finished solutions of this run [programs that print the references of the "
        "embedded pool's problems]",
    )
    steps.add_argument(
        "--rows",
        type=Path,
        metavar="ROWS.jsonl",
        help="score these solutions instead: rows of ProcessBench or PRMBench",
    )
    parity.add_argument(
        "--limit",
        type=positive_integer,
        default=_LIMIT,
        metavar="N",
        help=f"solutions at most [{_LIMIT}]",
    )
    parity.add_argument(
        "--dtype",
        choices=("float32", "bfloat16"),
        default="float32",
        help="what the engines compute in; a server does in what it was started with [float32]",
    )
    parity.add_argument(
        "--bound",
        type=float,
        metavar="X",
        help="largest difference of two values that counts as agreement [what fp32, or bf16, may "
        "make of one; see bench/README.md]",
    )
    parity.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    parity.set_defaults(run=_parity)


def _add_ppm(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--ppm", required=True, metavar="NAME", help="a PPM: published, a folder, or of the hub"
    )


def _show(arguments: argparse.Namespace) -> int:
    from dataclasses import asdict

    from bench.checkpoints.checkpoint import find_checkpoint
    from bench.checkpoints.reward import find_reading
    from bench.checkpoints.weights import full_weights
    from bench.engines.opening import start_command
    from bench.errors import CheckpointError

    ppm = find_checkpoint(arguments.ppm, "ppm")
    assert ppm.folder is not None, "a PPM has a folder"
    print(f"{ppm.name} ({ppm.digest})")
    for name, value in asdict(find_reading(ppm.folder, ppm.name)).items():
        if value not in (None, ""):
            print(f"  {name}: {json.dumps(value, ensure_ascii=False)}")
    print(f"weights: {full_weights(ppm)}")
    try:
        print(f"served by: {start_command(ppm)}")
    except CheckpointError as error:
        print(f"not served: {error}")
    return 0


def _parity(arguments: argparse.Namespace) -> int:
    from bench.checkpoints.checkpoint import find_checkpoint
    from bench.engines.opening import check_scorer, open_scorer
    from bench.evaluation.parity import (
        BOUNDS,
        compare_all,
        lay_out,
        score_steps,
        to_json,
    )
    from bench.reports.grid import COLUMNS, grid_to_markdown, grids_to_rich

    engines = _read_engines(arguments)
    bound = BOUNDS[arguments.dtype] if arguments.bound is None else arguments.bound
    ppm = find_checkpoint(arguments.ppm, "ppm")
    for settings in engines.values():
        check_scorer(ppm, settings)
    solutions = _read_solutions(arguments)
    scores = {}
    for name, settings in engines.items():
        scorer = open_scorer(ppm, settings=settings)
        try:
            with Counter(name, len(solutions)) as counter:
                scores[name] = asyncio.run(score_steps(solutions, scorer, counter.tick))
        finally:
            scorer.close()
    agreements = compare_all(solutions, scores)
    told = {"ppm": ppm.name, "dtype": arguments.dtype, "bound": bound}
    match arguments.format:
        case "json":
            print(json.dumps(to_json(agreements, **told), indent=2))
        case "markdown":
            print(grid_to_markdown(lay_out(agreements, **told)), end="")
        case _:
            print_rich(grids_to_rich([lay_out(agreements, **told)]), columns=COLUMNS)
    return int(any(each.largest > bound for each in agreements))


def _read_solutions(arguments: argparse.Namespace) -> list[Any]:
    """Return the solutions whose steps are scored. Raises BenchError."""
    from bench.evaluation.parity import embedded_solutions, judged_solution, run_solutions
    from bench.prm_bench.rows import read_solutions
    from bench.runs.reader import load_run

    if arguments.run_dir is not None:
        return run_solutions(load_run(arguments.run_dir), arguments.limit)
    if arguments.rows is not None:
        rows = read_solutions(arguments.rows)[: arguments.limit]
        return [judged_solution(row.id, row.question, row.steps) for row in rows]
    return embedded_solutions(arguments.limit)


def _read_engines(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how each engine runs the PPM, by its name. Raises BenchError."""
    from bench.engines.opening import SCORERS, ScorerSettings

    if arguments.bound is not None and not 0 <= arguments.bound <= 2:
        raise BenchError(f"--bound {arguments.bound:g}: a number from 0 to 2 is expected")
    names = [name.strip() for name in arguments.engines.split(",") if name.strip()]
    if len(names) < 2 or len(set(names)) < len(names):
        raise BenchError(
            f"--engines {arguments.engines!r}: at least two different engines are expected, with "
            "commas between"
        )
    found = {}
    for name in names:
        engine, batched = name.removesuffix(_BATCHED), name.endswith(_BATCHED)
        if engine not in SCORERS or (batched and SCORERS[engine].batches):
            raise UnknownNameError("PPM engine", name, [*SCORERS, f"transformers{_BATCHED}"])
        found[name] = ScorerSettings(engine, batched, arguments.dtype, arguments.ppm_url)
    return found
