"""`checkers`: the panel, where two of its members differ, whether one got worse, disputed verdicts.

Exit status 0 says that there is nothing to report or that a gate is passed, 1 that it is not, 2 is
for what a user can fix.
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.judging import judge_with_progress, print_table, print_tallies
from bench.console import Counter
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.checkers import Case, flips
    from bench.checkers.panel import Checker

_LISTED = 40
"""Flips or regressions that are printed unless --all is given."""
_CORPUS = "files of labelled cases, or folders of them [this checkout's golden corpus]"


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    checkers = verbs.add_parser(
        "checkers",
        help="list the panel of checkers, compare two of them, or gate a change of one",
        description="Without a command: the panel, with versions and what each member lacks.",
    )
    checkers.set_defaults(run=_list)
    commands = checkers.add_subparsers(title="commands", metavar="COMMAND")
    listing = commands.add_parser("list", help="the panel, with versions")
    listing.set_defaults(run=_list)
    diff = commands.add_parser(
        "diff",
        help="where two checkers differ on a run or on cases, and what that does to the score",
    )
    diff.add_argument("what", type=Path, metavar="RUN_OR_CASES", help="a run directory or a file")
    diff.add_argument(
        "--checkers",
        default="math-verify,rstar-bench",
        metavar="A,B",
        help="from A to B [%(default)s]; also `recorded`, a run's own verdicts, or a file of "
        "verdicts on these cases, e.g. one that an older version wrote",
    )
    diff.add_argument(
        "--samples", action="store_true", help="of a run, list the flips of every sample as well"
    )
    diff.add_argument("--all", action="store_true", help=f"print every flip [{_LISTED}]")
    diff.add_argument(
        "--out", type=Path, metavar="FILE.json", help="write the diff here, for `rstar-bench page`"
    )
    diff.set_defaults(run=_diff)
    gate = commands.add_parser(
        "gate", help="exit with 1 when a labelled corpus is judged worse than before"
    )
    gate.add_argument(
        "corpus",
        type=Path,
        nargs="*",
        metavar="CORPUS",
        help=_CORPUS,
    )
    gate.add_argument("--checker", default="rstar-bench", help="[%(default)s]")
    gate.add_argument(
        "--baseline", type=Path, metavar="FILE", help="excuses the cases that were wrong before"
    )
    gate.add_argument(
        "--write-baseline", type=Path, metavar="FILE", help="write what is wrong now, exit with 0"
    )
    gate.add_argument("--all", action="store_true", help=f"print every regression [{_LISTED}]")
    gate.set_defaults(run=_gate)
    coverage = commands.add_parser("coverage", help="how many rows of each category a corpus has")
    coverage.add_argument("corpus", type=Path, nargs="*", metavar="CORPUS", help=_CORPUS)
    coverage.set_defaults(run=_coverage)
    _add_report_row(commands)


def _add_report_row(commands: Any) -> None:
    report = commands.add_parser(
        "report-row",
        help="make a row of the golden corpus from a verdict that you dispute",
        description="From a run's problem, or from two texts. The row goes to standard output, or "
        "to the end of a file; on a verdict of ours that is wrong it says so.",
    )
    report.add_argument("of", type=Path, nargs="?", metavar="RUN", help="a run directory")
    report.add_argument("--problem", metavar="ID", help="of the run")
    report.add_argument("--selector", metavar="NAME", help="whose answer [the run's first]")
    report.add_argument("--gold", help="the reference, instead of a run's")
    report.add_argument("--prediction", help="the answer, instead of a run's")
    report.add_argument(
        "--expected", choices=("equal", "unequal"), required=True, help="what it should be"
    )
    report.add_argument("--category", required=True, help="see `checkers coverage`")
    report.add_argument("--why", required=True, help="in words, for who reads the corpus")
    report.add_argument(
        "--checkers",
        default="rstar-bench,math-verify",
        metavar="A,B",
        help="who is asked, ours first [%(default)s]",
    )
    report.add_argument("--to", type=Path, metavar="FILE", help="where the row is added")
    report.set_defaults(run=_report_row)


def _list(arguments: argparse.Namespace) -> int:
    from bench.checkers.panel import MEMBERS, open_checker

    for name in MEMBERS:
        try:
            checker = open_checker(name)
            print(f"{name:18} {checker.version}\n{'':18} {checker.about}")
        except BenchError as error:
            print(f"{name:18} not at hand: {error}")
    for refused in MEMBERS.refused:
        print(f"left out: {refused}")
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    from bench.checkers import compare, flips, load_cases
    from bench.checkers.panel import open_checker
    from bench.checkers.tables import flip_lines, score_table
    from bench.evaluation.rescoring import list_alternatives
    from bench.files.outputs import check_output
    from bench.runs.reader import load_run

    wanted = arguments.checkers.split(",")
    if len(wanted) != 2:
        raise BenchError(f"--checkers {arguments.checkers!r}: two names with a comma are expected")
    if arguments.out is not None:
        check_output(arguments.out, [arguments.what])
    cases: tuple[Case, ...] = ()
    known: dict[str, Checker] = {}
    others: list[flips.Question] = []
    if arguments.what.is_dir() and (arguments.what / "run.json").exists():
        run = load_run(arguments.what)
        known["recorded"] = flips.read_recorded(run)
        verified = sum(record.verifier is not None for record in run.records)
        if verified:
            print(f"{verified} of {len(run.records)} records were decided by a verifier: left out")
        alternatives = list_alternatives(run)
        scores = flips.list_run_questions(run, alternatives)
        others = flips.list_sample_questions(run, alternatives) if arguments.samples else []
    else:
        cases = load_cases(arguments.what)
        scores = flips.list_case_questions(cases)
    for name in wanted:
        if name.endswith(".jsonl") and cases:
            known[name] = flips.read_verdicts(Path(name), cases)
    with (
        closing(known.get(wanted[0]) or open_checker(wanted[0])) as a,
        closing(known.get(wanted[1]) or open_checker(wanted[1])) as b,
        Counter("diff", len(flips.pairs(scores, others))) as counter,
    ):
        found = compare(a, b, scores, others, counter.tick)
    _print_some([flip_lines(flip, *wanted) for flip in found.flips], everything=arguments.all)
    print_table(score_table(found))
    print(f"{len(found.flips)} flips in {found.asked} distinct pairs of reference and prediction")
    if arguments.out is not None:
        _write_diff(found, arguments.out)
    return 0


def _write_diff(found: flips.Flips, out: Path) -> None:
    from bench.checkers.stored import to_json
    from bench.files.atomic import replace_json

    replace_json(out, to_json(found))
    print(f"the diff is {out}")


def _gate(arguments: argparse.Namespace) -> int:
    from bench.checkers import gate, golden_corpus, load_cases
    from bench.checkers.gate import read_baseline, write_baseline
    from bench.checkers.panel import open_checker
    from bench.checkers.tables import gate_lines
    from bench.files.outputs import check_output

    baseline = None
    if arguments.baseline is not None:
        baseline = read_baseline(arguments.baseline, checker=arguments.checker)
    corpus = arguments.corpus or [golden_corpus()]
    if arguments.write_baseline is not None:
        check_output(arguments.write_baseline, corpus)
    cases = load_cases(*corpus)
    with closing(open_checker(arguments.checker)) as checker:
        judged = judge_with_progress(checker, cases)
        version = checker.version
    result = gate(judged, baseline)
    print_tallies(f"{version} on {len(cases)} cases", judged)
    if arguments.write_baseline is not None:
        count = write_baseline(
            arguments.write_baseline, judged, checker=arguments.checker, version=version
        )
        print(f"baseline: {arguments.write_baseline}, which excuses {count} cases")
        return 0
    _print_some([[line] for line in gate_lines(result)], everything=arguments.all)
    excused = f", {len(result.excused)} excused by the baseline" if baseline else ""
    mended = f", {len(result.mended)} mended since" if result.mended else ""
    print(
        f"{'passed' if result.passed else 'FAILED'}: {len(result.regressions)} of {result.judged} "
        f"labelled cases are misjudged{excused}{mended}"
    )
    return 0 if result.passed else 1


def _coverage(arguments: argparse.Namespace) -> int:
    from bench.checkers import golden_corpus, load_cases
    from bench.checkers.coverage import list_coverage
    from bench.checkers.tables import coverage_table

    cases = load_cases(*(arguments.corpus or [golden_corpus()]))
    print_table(coverage_table(f"{len(cases)} rows", list_coverage(cases)))
    return 0


def _report_row(arguments: argparse.Namespace) -> int:
    from bench.checkers import golden_corpus
    from bench.checkers.panel import open_checker
    from bench.checkers.reporting import Dispute, append_row, find_dispute, report_row
    from bench.files.outputs import check_output
    from bench.runs.reader import load_run

    if arguments.to is not None:
        check_output(arguments.to)
    equal = arguments.expected == "equal"
    labels = {"equal": equal, "category": arguments.category, "why": arguments.why}
    pair = arguments.gold, arguments.prediction
    if arguments.of is not None and arguments.problem is not None and pair == (None, None):
        run = load_run(arguments.of)
        dispute = find_dispute(run, arguments.problem, arguments.selector, **labels)
    elif arguments.of is None and None not in pair:
        dispute = Dispute(*pair, **labels)
    else:
        raise BenchError("report-row needs RUN and --problem, or --gold and --prediction")
    corpus = golden_corpus() if arguments.to is None else arguments.to.parent
    with ExitStack() as opened:
        asked = [
            opened.enter_context(closing(open_checker(name)))
            for name in arguments.checkers.split(",")
        ]
        row = report_row(dispute, asked, corpus)
    if arguments.to is not None:
        append_row(row, arguments.to)
    print(json.dumps(row, ensure_ascii=False))
    return 0


def _print_some(blocks: list[list[str]], *, everything: bool) -> None:
    shown = blocks if everything else blocks[:_LISTED]
    for block in shown:
        print("\n".join(block))
    if len(shown) < len(blocks):
        print(f"... and {len(blocks) - len(shown)} more; --all prints them")
