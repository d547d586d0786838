"""`test-prover`: false statements for the prover, false proofs for its checker.

Exit status 0 says that nothing false was proved, 1 that something was, 2 is for what a user can
fix.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.judging import print_table
from bench.cli.options import positive_integer, seconds, workers
from bench.console import LiveLine
from bench.errors import DataError

if TYPE_CHECKING:
    from bench.inequalities.statements import Statement


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "test-prover",
        help="attack the prover of inequalities with false statements, its checker with mutants",
        description="Makes false statements of true ones, each refuted at a rational point, and "
        "certificates with something wrong. Goes on where it was interrupted.",
    )
    command.add_argument(
        "statements",
        type=Path,
        nargs="*",
        metavar="STATEMENTS.jsonl",
        help="true statements, a line each with `id` and `problem`; a few classical ones are added",
    )
    command.add_argument(
        "--false",
        type=positive_integer,
        default=100,
        metavar="N",
        help="false statements for the prover [%(default)s]",
    )
    command.add_argument(
        "--unguarded",
        type=positive_integer,
        default=20,
        metavar="K",
        help="of these, for the prover with all numerical guards switched off [%(default)s]",
    )
    command.add_argument(
        "--mutants",
        type=positive_integer,
        default=200,
        metavar="M",
        help="certificates with something wrong for the checker [%(default)s]",
    )
    command.add_argument(
        "--seconds", type=seconds, default=10.0, help="CPU time of a statement [%(default)s]"
    )
    command.add_argument(
        "--jobs", type=workers, default=1, help="statements at a time [%(default)s]"
    )
    command.add_argument("--seed", type=int, default=1, help="[%(default)s]")
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FIGURES.json",
        help="where the figures are stored; every outcome goes to a .jsonl beside it",
    )
    command.set_defaults(run=_test_prover)


def _test_prover(arguments: argparse.Namespace) -> int:
    from bench.files.atomic import replace_json
    from bench.files.outputs import check_output
    from bench.inequalities.attacks.soundness import Log, Plan, attack, summarise

    sources, files = _read_sources(arguments.statements)
    plan = Plan(
        sources=sources,
        false=arguments.false,
        unguarded=min(arguments.unguarded, arguments.false),
        mutants=arguments.mutants,
        seconds=arguments.seconds,
        seed=arguments.seed,
    )
    if arguments.out.exists() and not arguments.out.is_file():
        raise DataError(f"--out {arguments.out} has no place beside it for outcomes; name a file")
    outcomes = arguments.out.with_suffix(".jsonl")
    for file in (arguments.out, outcomes):
        check_output(file, arguments.statements)
    log = Log(outcomes, plan)
    line = LiveLine()
    try:
        attack(
            plan,
            log,
            arguments.jobs,
            lambda part, done, total: line.show(lambda: f"{part}: {done}/{total}"),
        )
    finally:
        line.close()
    figures = {"command": _describe(arguments), "files": files, **summarise(plan, log)}
    replace_json(arguments.out, figures)
    _print(figures)
    return 1 if figures["breaches"] else 0


def _describe(arguments: argparse.Namespace) -> str:
    """Return the command without the folders of this machine."""
    names = ("false", "unguarded", "mutants", "seconds", "seed")
    words = [path.name for path in arguments.statements]
    words += [f"--{name} {getattr(arguments, name):g}" for name in names]
    return " ".join(["rstar-bench test-prover", *words, f"--out {arguments.out.name}"])


def _read_sources(files: Sequence[Path]) -> tuple[dict[str, Statement], list[dict[str, Any]]]:
    """Return statements by name, and how many of each file could be read."""
    from bench.inequalities.attacks.falsehoods import CLASSICS
    from bench.inequalities.texts.reading import (
        StatementError,
        UnsupportedStatement,
        read_statement,
    )

    sources = {f"classic-{name}": read_statement(text) for name, text in CLASSICS.items()}
    counts = []
    for file in files:
        rows = _read_rows(file)
        unread = 0
        for name, text in rows.items():
            try:
                sources[name] = read_statement(text)
            except (StatementError, UnsupportedStatement):
                unread += 1
        counts.append({"file": file.name, "statements": len(rows), "not read": unread})
    return sources, counts


def _read_rows(file: Path) -> dict[str, str]:
    from bench.files.lines import scan

    if not file.is_file():
        raise DataError(f"there is no file {file}; expected lines of JSON with `id` and `problem`")

    def parse(data: Any) -> tuple[str, str]:
        if not (isinstance(data, dict) and {"id", "problem"} <= data.keys()):
            raise ValueError("expected an object with `id` and `problem`")
        return str(data["id"]), str(data["problem"])

    found = scan(file, parse)
    for each in found.lines:
        if each.value is None:
            raise DataError(f"{file}, line {each.number}: {each.fault}")
    return dict(each.value for each in found.lines if each.value is not None)


def _print(figures: Mapping[str, Any]) -> None:
    from rich import box
    from rich.table import Table

    false, unguarded, mutants = (figures[part] for part in ("false", "unguarded", "mutants"))
    verdicts = ("proved", "refuted", "open", "refused", "crashed", "lost")
    table = Table(title="False statements", box=box.SIMPLE_HEAD, padding=(0, 1))
    for column in ("", "n", *verdicts):
        table.add_column(column, justify="left" if not column else "right")
    table.add_row("prover", *(str(false[key]) for key in ("statements", *verdicts)))
    for kind, counts in false["kinds"].items():
        cells = [sum(counts.values()), *(counts.get(v, 0) for v in verdicts)]
        table.add_row(f"  {kind}", *map(str, cells))
    table.add_row("unguarded", *(str(unguarded[key]) for key in ("statements", *verdicts)))
    print_table(table)
    table = Table(title="Mutants of certificates", box=box.SIMPLE_HEAD, padding=(0, 1))
    counted = ("tried", "accepted", "refused", "crashed")
    for column in ("", *counted):
        table.add_column(column, justify="left" if not column else "right")
    rows = {name: mutants[name] for name in ("false statement", "true statement")}
    rows |= {f"  {kind}": counts for kind, counts in mutants["kinds"].items()}
    for name, counts in rows.items():
        table.add_row(name, *(str(counts[key]) for key in counted))
    print_table(table)
    _print_sentences(figures)


def _print_sentences(figures: Mapping[str, Any]) -> None:
    false, unguarded, mutants = (figures[part] for part in ("false", "unguarded", "mutants"))
    n, k = false["statements"], unguarded["statements"]
    print(f"The prover proved {false['proved']} of {n} false statements.")
    if n:
        share, low, high = (100 * value for value in false["refuted share"])
        print(
            f"It refuted {false['refuted']} of them exactly, {share:.1f} % [{low:.1f}, {high:.1f}]."
        )
    if false["not decided"]:
        print(f"Not decided: {'; '.join(false['not decided'])}.")
    print(
        f"With its numerical guards switched off it proved {unguarded['proved']} of {k}; the "
        f"checker refused {unguarded['refused']} more that it took for proved."
    )
    of_false, of_true = mutants["false statement"], mutants["true statement"]
    print(
        f"The checker accepted {of_false['accepted']} of {of_false['tried']} certificates of false "
        f"statements, made of {mutants['certificates']} proofs."
    )
    print(
        f"Of {of_true['tried']} changed proofs of true statements it accepted "
        f"{of_true['accepted']}, which is no fault."
    )
    if crashed := of_false["crashed"] + of_true["crashed"]:
        print(f"The checker crashed on {crashed} mutants, which is a fault: it has to answer.")
    if figures["breaches"]:
        ids = "; ".join(f"{each['part']} {each['id']}" for each in figures["breaches"])
        print(f"UNSOUND: {len(figures['breaches'])} FALSE STATEMENTS WERE PROVED: {ids}.")
