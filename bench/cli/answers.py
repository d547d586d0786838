"""`check`, `checkers`: what answer checkers say, where two differ, and whether one got worse.

Exit status 0 says equal, or that a gate is passed; 1 says not; 2 is for what a user can fix.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import finite
from bench.errors import BenchError, DataError

if TYPE_CHECKING:
    from bench.answers import Conventions
    from bench.answers.panel import Checker
    from bench.regression import Case, Judged
    from bench.types import Verdict

_EVERY_SECONDS = 10.0
"""Between two lines of progress where standard error is no terminal."""
_LISTED = 40
"""Flips or regressions that are printed unless --all is given."""


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    _add_check(verbs)
    _add_checkers(verbs)


def _add_check(verbs: Any) -> None:
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
    check.add_argument(
        "--convention",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of rstar-bench's own checker, e.g. percent=false or tolerance=1e-4; may be repeated",
    )
    check.set_defaults(run=_check)


def _add_checkers(verbs: Any) -> None:
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
    diff.set_defaults(run=_diff)
    gate = commands.add_parser(
        "gate", help="exit with 1 when a labelled corpus is judged worse than before"
    )
    gate.add_argument(
        "corpus",
        type=Path,
        nargs="*",
        metavar="CORPUS",
        help="files of labelled cases, or folders of them [this checkout's golden corpus]",
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
    from bench.atomic import replace
    from bench.lines import encode
    from bench.regression import load_cases

    cases = load_cases(arguments.cases)
    with closing(_open(arguments.checker, arguments.convention)) as checker:
        judged = _judged(checker, cases)
        version = checker.version
    try:
        replace(arguments.out, b"".join(encode(each.to_json()) for each in judged))
    except OSError as error:
        raise DataError(f"cannot write the verdicts {arguments.out}: {error.strerror}") from error
    _print_tallies(f"{version} on {arguments.cases}", judged)
    print(f"verdicts: {arguments.out}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from bench.answers.panel import names, open_checker

    for name in names():
        try:
            checker = open_checker(name)
            print(f"{name:18} {checker.version}\n{'':18} {checker.about}")
        except BenchError as error:
            print(f"{name:18} not at hand: {error}")
    return 0


def _diff(arguments: argparse.Namespace) -> int:
    from bench.regression import compare, flips, load_cases
    from bench.regression.tables import flip_lines, score_table
    from bench.store import load_run

    wanted = arguments.checkers.split(",")
    if len(wanted) != 2:
        raise BenchError(f"--checkers {arguments.checkers!r}: two names with a comma are expected")
    cases: tuple[Case, ...] = ()
    known: dict[str, Checker] = {}
    others: list[flips.Question] = []
    if arguments.what.is_dir() and (arguments.what / "run.json").exists():
        run = load_run(arguments.what)
        known["recorded"] = flips.recorded_in(run)
        scores = flips.of_run(run)
        others = flips.samples_of(run) if arguments.samples else []
    else:
        cases = load_cases(arguments.what)
        scores = flips.of_cases(cases)
    for name in wanted:
        if name.endswith(".jsonl") and cases:
            known[name] = flips.stored_verdicts(Path(name), cases)
    with (
        closing(known.get(wanted[0]) or _open(wanted[0])) as a,
        closing(known.get(wanted[1]) or _open(wanted[1])) as b,
        _Counter("diff", len(flips.pairs(scores, others))) as counter,
    ):
        found = compare(a, b, scores, others, counter.tick)
    _print_some([flip_lines(flip, *wanted) for flip in found.flips], everything=arguments.all)
    _print(score_table(found))
    print(f"{len(found.flips)} flips in {found.asked} distinct pairs of reference and prediction")
    return 0


def _gate(arguments: argparse.Namespace) -> int:
    from bench.regression import gate, golden_corpus, load_cases
    from bench.regression.gate import read_baseline, write_baseline
    from bench.regression.tables import gate_lines

    baseline = None
    if arguments.baseline is not None:
        baseline = read_baseline(arguments.baseline, checker=arguments.checker)
    cases = load_cases(*(arguments.corpus or [golden_corpus()]))
    with closing(_open(arguments.checker)) as checker:
        judged = _judged(checker, cases)
        version = checker.version
    result = gate(judged, baseline)
    _print_tallies(f"{version} on {len(cases)} cases", judged)
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


def _open(name: str | None, conventions: list[str] | None = None) -> Checker:
    from bench.answers.panel import OURS, Ours, open_checker

    if not conventions:
        return open_checker(name or OURS)
    if name not in (None, OURS):
        raise BenchError(f"--convention is for {OURS} alone; {name!r} has conventions of its own")
    return Ours(_conventions(conventions))


def _conventions(given: list[str]) -> Conventions:
    """Read `NAME=VALUE`s over the defaults. Raises BenchError."""
    from bench.answers import Conventions
    from bench.errors import UnknownNameError

    known = {f.name: type(f.default) for f in dataclasses.fields(Conventions)}
    values: dict[str, Any] = {}
    for each in given:
        name, _, text = each.partition("=")
        if name not in known:
            raise UnknownNameError("convention", name, known)
        if known[name] is bool:
            if text not in ("true", "false"):
                raise BenchError(f"--convention {each}: the value must be true or false")
            values[name] = text == "true"
        else:
            try:
                values[name] = finite(text)
            except argparse.ArgumentTypeError as error:
                raise BenchError(f"--convention {each}: {error}") from None
    return Conventions(**values)


def _judged(checker: Checker, cases: tuple[Case, ...]) -> list[Judged]:
    from bench.regression import judge

    with _Counter(checker.name, len(cases)) as counter:
        return judge(checker, cases, lambda _: counter.tick())


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


def _print_tallies(title: str, judged: list[Judged]) -> None:
    from bench.regression import tallies
    from bench.regression.tables import NOTES, tally_table

    _print(tally_table(title, tallies(judged)))
    print(NOTES)


def _print_some(blocks: list[list[str]], *, everything: bool) -> None:
    shown = blocks if everything else blocks[:_LISTED]
    for block in shown:
        print("\n".join(block))
    if len(shown) < len(blocks):
        print(f"... and {len(blocks) - len(shown)} more; --all prints them")


def _print(table: Any) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 140).print(table)


class _Counter:
    """Counts cases on standard error: live on a terminal, a line now and then elsewhere."""

    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done = label, total, 0
        self._started = self._printed = time.monotonic()
        self._live = sys.stderr.isatty()

    def tick(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._printed < (0.1 if self._live else _EVERY_SECONDS):
            return
        self._printed = now
        left = (now - self._started) / self._done * (self._total - self._done)
        line = f"{self._label}: {self._done}/{self._total}, {left:.0f} s left"
        sys.stderr.write(f"\r\x1b[K{line}" if self._live else f"{line}\n")
        sys.stderr.flush()

    def __enter__(self) -> _Counter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            sys.stderr.write("\r\x1b[K")
