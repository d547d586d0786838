"""`check`: says whether an answer equals the reference, for one pair or for a file of cases.

Exit status 0 says equal, 1 not equal; 2 is for what a user can fix, an unreadable reference too.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.judging import judge_with_progress, print_tallies
from bench.cli.options import add_convention, parse_conventions
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.checkers.panel import Checker
    from bench.types import Verdict


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    check = verbs.add_parser(
        "check",
        help="say whether an answer equals the reference, and why",
        description="Check one answer (exit status 0 if equal, 1 if not), or a file of cases.",
    )
    check.add_argument("--gold", help="the reference answer")
    check.add_argument("--prediction", help="an answer, or a whole response of a model")
    check.add_argument(
        "--cases", type=Path, metavar="FILE", help="lines of JSON with gold, prediction and any id"
    )
    check.add_argument(
        "--out", type=Path, metavar="FILE", help="where the verdicts on --cases go, a line each"
    )
    check.add_argument("--checker", help="one of `rstar-bench checkers` [rstar-bench]")
    add_convention(check)
    check.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    one = (arguments.gold, arguments.prediction)
    if arguments.cases is not None and arguments.out is not None and one == (None, None):
        return _check_cases(arguments)
    if None not in one and arguments.cases is None and arguments.out is None:
        return _check_one(arguments)
    raise BenchError(
        "check needs --gold and --prediction, or --cases and --out, and not both pairs"
    )


def _check_one(arguments: argparse.Namespace) -> int:
    from bench.types import Outcome

    with closing(_open(arguments.checker, arguments.convention)) as checker:
        verdict = checker.check(arguments.gold, arguments.prediction)
    print(_in_words(verdict))
    if verdict.outcome is Outcome.INVALID_GOLD:
        return BenchError.exit_code
    return 0 if verdict.correct else 1


def _check_cases(arguments: argparse.Namespace) -> int:
    from bench.checkers import load_cases
    from bench.files.atomic import replace
    from bench.files.lines import encode
    from bench.files.outputs import check_output

    cases = load_cases(arguments.cases)
    check_output(arguments.out, [arguments.cases])
    with closing(_open(arguments.checker, arguments.convention)) as checker:
        judged = judge_with_progress(checker, cases)
        version = checker.version
    replace(arguments.out, b"".join(encode(each.to_json()) for each in judged))
    print_tallies(f"{version} on {arguments.cases}", judged)
    print(f"verdicts: {arguments.out}")
    return 0


def _open(name: str | None, conventions: list[str] | None = None) -> Checker:
    from bench.checkers.panel import OURS, Ours, open_checker

    if not conventions:
        return open_checker(name or OURS)
    if name not in (None, OURS):
        raise BenchError(f"--convention is for {OURS} alone; {name!r} has conventions of its own")
    return Ours(parse_conventions(conventions))


def _in_words(verdict: Verdict) -> str:
    """Return a verdict as a paragraph that explains itself."""
    head = "equal" if verdict.correct else f"not equal ({verdict.outcome})"
    sides = (
        ("reference", verdict.gold, verdict.gold_form),
        ("prediction", verdict.prediction, verdict.prediction_form),
    )
    return "\n".join(
        (
            f"{head}: {verdict.reason}",
            *(
                f"  {name:<11} {text}" + (f"   read as {form}" if form else "")
                for name, text, form in sides
            ),
            f"  {'decided by':<11} {verdict.comparer}, in {1000 * verdict.seconds:.1f} ms",
        )
    )
