"""`benchmarks`: list, show and verify what a run can be made on."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.problems import Benchmark
    from bench.problems.verification import Verification
    from bench.types import Problem, Verdict


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    parser = verbs.add_parser(
        "benchmarks",
        help="list, show or verify the benchmarks that --benchmark knows",
        description="Without a command: one line for each benchmark and training pool.",
    )
    parser.set_defaults(run=_list)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    show = commands.add_parser("show", help="print everything that the registry knows of one")
    show.add_argument("name", help="e.g. math500")
    show.set_defaults(run=_show)
    verify = commands.add_parser(
        "verify",
        help="load, count, hash, and grade every reference against itself",
        description="Exit status 1 if any benchmark is missing, differs or has a rejected "
        "reference. An empty reference is reported as invalid; it is no failure.",
    )
    verify.add_argument("names", nargs="*", metavar="NAME", help="[all of the registry]")
    verify.set_defaults(run=_verify)


def _list(arguments: argparse.Namespace) -> int:
    from bench.problems import BENCHMARKS, names

    for name in names():
        benchmark = BENCHMARKS.get(name)
        if benchmark is None:
            print(f"{name:24} {'':>6}  {'':9}  generated, needs no download")
        else:
            print(f"{name:24} {benchmark.rows:6}  {_where(benchmark):9}  {_about(benchmark)}")
    for refused in BENCHMARKS.refused:
        print(f"left out: {refused}")
    return 0


def _about(benchmark: Benchmark) -> str:
    from bench.problems.errata import errata

    count = len(errata(benchmark.name))
    notes = [
        *(["training pool"] if benchmark.role == "train" else []),
        *(["to be proved"] if benchmark.role == "proof" else []),
        *([f"{count} errat{'a' if count > 1 else 'um'}"] if count else []),
    ]
    return benchmark.title + (f" ({', '.join(notes)})" if notes else "")


def _where(benchmark: Benchmark) -> str:
    """Say where the rows would come from now."""
    from bench.errors import MissingDataError
    from bench.problems import mirror

    try:
        if mirror.locate(benchmark) is not None:
            return "mirror"
    except MissingDataError:
        return "missing"
    return "hub" if benchmark.hub is not None else "missing"


def _show(arguments: argparse.Namespace) -> int:
    from bench.errors import UnknownNameError
    from bench.problems import BENCHMARKS
    from bench.problems.errata import errata

    name: str = arguments.name
    if name not in BENCHMARKS:
        raise UnknownNameError("benchmark of the registry", name, BENCHMARKS)
    benchmark = BENCHMARKS[name]
    for field in fields(benchmark):
        value = getattr(benchmark, field.name)
        if field.name == "hub" and value is not None:
            for part in fields(value):
                print(f"{'hub.' + part.name:16} {getattr(value, part.name)}")
        elif field.name == "defects":
            for defect in value:
                print(f"{'defect':16} {defect}")
        else:
            print(f"{field.name:16} {value}")
    for erratum in errata(name):
        answers = " | ".join(erratum.answers) or "-"
        print(f"{'erratum':16} {erratum.id}: {erratum.kind}; {erratum.use} {answers}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from bench.answers import close_checkers, final_answer
    from bench.errors import BenchError, MissingDataError
    from bench.problems import BENCHMARKS
    from bench.problems.verification import verify
    from bench.runs.grading import judge_now

    def grade(problem: Problem, response: str) -> Verdict:
        if "\\boxed" in response:  # as a run does: what was found in the response is graded
            return judge_now(problem, final_answer(response).answer)
        return judge_now(problem, response)

    names = arguments.names or list(BENCHMARKS)
    failed: list[str] = []
    rejected = invalid = 0
    try:
        for name in names:
            try:
                result = verify(name, grade)
            except BenchError as error:
                kind = "missing" if isinstance(error, MissingDataError) else "differs"
                print(f"{name:16} {kind}: {error}", flush=True)
                failed.append(name)
                continue
            print(_line(result), flush=True)
            for id_, reason in result.rejected[:10]:
                print(f"    {id_}: {reason}")
            if not result.ok:
                failed.append(name)
            rejected += len(result.rejected)
            invalid += len(result.invalid)
    finally:
        close_checkers()
    print(
        f"{len(names) - len(failed)} of {len(names)} verified; {rejected} references rejected, "
        f"{invalid} invalid (empty)"
    )
    if failed:
        sys.stderr.write(f"rstar-bench: not verified: {', '.join(failed)}\n")
    return 1 if failed else 0


def _line(result: Verification) -> str:
    texts = {True: "hashes equal", False: "TEXTS DIFFER", None: "no hash"}[result.same_texts]
    parts = [
        f"{result.name:16} {result.source:9} {result.rows:6} rows",
        texts,
        f"{len(result.rejected)} rejected",
        f"{len(result.invalid)} invalid",
        f"{len(result.corrected)} corrected",
    ]
    return ", ".join(parts)
