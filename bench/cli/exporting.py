"""`export`: stored runs in the formats of other tools."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "export",
        help="write stored runs for other tools: Every Eval Ever, inspect, lm-eval, Parquet, ...",
        description="Write stored runs in another tool's format. Each selector is a result of its "
        "own, with its interval where the format has a place for one; an answer that the harness "
        "could not judge is never written as wrong.",
    )
    command.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="run directories, or folders of them"
    )
    command.add_argument(
        "--to",
        required=True,
        metavar="FORMAT",
        help="eee (Every Eval Ever), inspect (a log for `inspect view`), lm-eval (results and "
        "samples), hf (.eval_results of a model's repository) or parquet; or, where installed, "
        "wandb, mlflow or trackio",
    )
    command.add_argument(
        "--out",
        required=True,
        metavar="PLACE",
        help="a folder, made where there is none; of a tracker, its project",
    )
    command.set_defaults(run=_export)


def _export(arguments: argparse.Namespace) -> int:
    from bench.errors import UnknownNameError
    from bench.exports.bundle import check_folder, write_bundle
    from bench.exports.registry import FORMATS, TRACKERS
    from bench.exports.sources import read_source
    from bench.runs.finding import find_runs
    from bench.runs.reader import load_run

    name, folder = arguments.to, Path(arguments.out)
    if name not in (*FORMATS, *TRACKERS):
        raise UnknownNameError("format", name, (*FORMATS, *TRACKERS))
    if name in FORMATS:
        check_folder(folder)
    sources = [read_source(load_run(path)) for path in find_runs(arguments.runs)]
    runs = f"{len(sources)} run{'s' * (len(sources) != 1)}"
    if name in TRACKERS:
        TRACKERS[name](sources, arguments.out)
        print(f"export: {runs} to the project {arguments.out} of {name}")
        return 0
    bundle = FORMATS[name](sources)
    written = write_bundle(bundle, folder)
    for file in written:
        print(file)
    for note in bundle.notes:
        print(f"note: {note}")
    size = sum(map(len, bundle.files.values())) / 1e6
    print(f"export: {runs}, {len(written)} files ({size:.1f} MB)")
    return 0
