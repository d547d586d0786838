"""`prove`, `verify-proof`, `collect-proofs`: inequalities decided, and proofs checked by another.

Exit status 0 says proved, 1 refuted, open or no proof, 2 is for what a user can fix. With `--cases`
0 says that every row has its verdict, whichever.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.options import seconds, workers
from bench.errors import BenchError, DataError

if TYPE_CHECKING:
    from bench.search.inequalities import Closers, Finding

STANDARD_OUTPUT = Path("-")
ARCHIVE = ".jsonl.gz"
"""How the names of archives of proofs end."""


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    proving = verbs.add_parser(
        "prove",
        help="prove an inequality with a certificate, or refute it at a rational point",
        description="Reads Lean-like statements, plain text and LaTeX; proves without a model.",
    )
    proving.add_argument(
        "statement", nargs="?", metavar="STATEMENT", help="e.g. 'a/b + b/a >= 2 with a, b > 0'"
    )
    proving.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="RELATION",
        help="a further assumption, e.g. 'a + b = 1'; may be repeated",
    )
    proving.add_argument(
        "--seconds", type=seconds, default=60.0, help="CPU time at most [%(default)s]"
    )
    proving.add_argument(
        "--z3",
        type=seconds,
        metavar="SECONDS",
        help="of --seconds, what z3 has for a counterexample where no proof is found [not asked]",
    )
    proving.add_argument(
        "--out", type=Path, metavar="FILE", help="where the proof, or the verdicts on cases, go"
    )
    proving.add_argument(
        "--cases",
        type=Path,
        metavar="FILE.jsonl",
        help="in place of one statement, lines of JSON with id, statement and perhaps assume; "
        "repeat the command to go on where it was",
    )
    proving.add_argument(
        "--certificates",
        type=Path,
        metavar="DIR",
        help="where the proofs of cases are stored [OUT.certificates, for --out OUT.jsonl]",
    )
    proving.add_argument(
        "--jobs",
        type=workers,
        metavar="N",
        help="cases that are decided at a time [as many as there are cores]",
    )
    _add_explain(proving)
    proving.set_defaults(run=_prove)
    verifying = verbs.add_parser(
        "verify-proof",
        help="check a certificate of `prove` in rational arithmetic, independently of the prover",
    )
    verifying.add_argument(
        "certificates",
        type=Path,
        nargs="+",
        metavar="CERT.json",
        help=f"or an archive of `collect-proofs`, *{ARCHIVE}",
    )
    verifying.add_argument(
        "--problem", metavar="ID", help="of an archive, the proof of this problem alone"
    )
    _add_explain(verifying)
    verifying.set_defaults(run=_verify)
    collecting = verbs.add_parser(
        "collect-proofs",
        help="store the certificates that runs found, a compressed archive a benchmark",
    )
    collecting.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    collecting.add_argument("--out", type=Path, required=True, metavar="DIR")
    collecting.set_defaults(run=_collect)
    fitting = verbs.add_parser(
        "fit-ranker",
        help="say what the orders of stored searches cost, and fit that of `lips_learnt` to them",
    )
    fitting.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="of `lips_sight`, say")
    fitting.add_argument(
        "--out", type=Path, metavar="FILE.json", help="the weights; without, nothing is fitted"
    )
    fitting.set_defaults(run=_fit_ranker)


def _add_explain(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--explain",
        type=Path,
        nargs="?",
        const=STANDARD_OUTPUT,
        metavar="FILE",
        help="tell the proof in sentences: print Markdown, or write FILE.md or FILE.tex",
    )


def _prove(arguments: argparse.Namespace) -> int:
    from bench.inequalities.packages import require_packages, require_z3

    require_packages("rstar-bench prove")
    if arguments.z3 is not None:
        require_z3("rstar-bench prove --z3")
    _prepare_explanation(arguments.explain)
    if arguments.cases is not None:
        return _prove_cases(arguments)
    if arguments.statement is None:
        raise BenchError("prove needs a STATEMENT, or --cases FILE.jsonl with --out OUT.jsonl")
    from bench.files.atomic import replace_json
    from bench.inequalities.statements import format_relation, format_text
    from bench.inequalities.texts.reading import read_statement

    _make_room(arguments.out)
    statement = read_statement(arguments.statement, arguments.assume)
    print(f"Read as: {format_text(statement)}", flush=True)
    found = _decide(arguments)
    spent = "" if found.cpu_seconds is None else f" ({found.cpu_seconds:.1f} s)"
    if found.refutation is not None:
        point = ", ".join(f"{name} = {x}" for name, x in found.refutation["refuted"].items())
        claim = format_relation(statement.claims[found.refutation["claim"]])
        print(f"Refuted{spent}: at {point} it is not true that {claim}.")
        return 1
    if found.certificate is None:
        print(f"Open{spent}: {found.reason}.")
        if found.tried:
            print("Tried: " + ", ".join(f"{n} {what}" for what, n in found.tried.items()) + ".")
        return 1
    steps = [step["step"] for proof in found.certificate["proofs"] for step in proof]
    print(f"Proved{spent}, and checked exactly: {', '.join(steps)}.")
    if arguments.out is not None:
        with _writing(arguments.out):
            replace_json(arguments.out, found.certificate)
        print(f"The certificate is {arguments.out}; rstar-bench verify-proof checks it again.")
    _explain(found.certificate, arguments.explain)
    return 0


def _decide(arguments: argparse.Namespace) -> Finding:
    """Decide the one statement, in a process that may be ended: a proof can take any memory."""
    import asyncio

    from bench.search.inequalities import Provers, decide_by_closers
    from bench.search.statement_cases import Case, decide_case

    case = Case("statement", arguments.statement, tuple(arguments.assume))
    config = _configure(arguments)
    provers = Provers(1)
    try:
        return asyncio.run(decide_case(case, provers, decide_by_closers, config))
    finally:
        provers.close()


def _configure(arguments: argparse.Namespace) -> Closers:
    """Return the prover's settings. Raises BenchError: z3 would leave it no time."""
    from bench.search.inequalities import Closers

    config = Closers(cpu_seconds=arguments.seconds)
    if arguments.z3 is None:
        return config
    if arguments.z3 >= arguments.seconds:
        raise BenchError(
            f"--z3 {arguments.z3:g} leaves the prover nothing of --seconds {arguments.seconds:g}; "
            "give z3 fewer"
        )
    return dataclasses.replace(config, z3_seconds=arguments.z3)


def _make_room(file: Path | None, inputs: Sequence[Path] = ()) -> None:
    """Make the folder of a file. Raises DataError where it cannot be there, before any work."""
    from bench.files.outputs import check_output

    if file is None:
        return
    with _writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    check_output(file, inputs)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say in a sentence what the disk has against a file or folder. Raises DataError."""
    try:
        yield
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; choose another place") from error


def _prepare_explanation(file: Path | None) -> None:
    """Make the folder that a proof in sentences goes to. Raises BenchError: it cannot go there."""
    if file is not None and file != STANDARD_OUTPUT and file.suffix not in (".md", ".tex"):
        raise BenchError(
            f"--explain writes Markdown or LaTeX; got {file}, expected a name that ends in .md or"
            " .tex, or none to print the proof"
        )
    _make_room(None if file == STANDARD_OUTPUT else file)


def _explain(certificate: Mapping[str, Any], file: Path | None) -> None:
    """Print a checked proof in sentences, or write it to a file."""
    if file is None:
        return
    from bench.files.atomic import replace
    from bench.inequalities.packages import require_packages

    require_packages("--explain")
    from bench.inequalities.explaining import explain, write_latex, write_markdown

    document = explain(certificate)
    if file == STANDARD_OUTPUT:
        print(f"\n{write_markdown(document)}", end="")
        return
    write = write_latex if file.suffix == ".tex" else write_markdown
    with _writing(file):
        replace(file, write(document).encode())
    print(f"The proof in sentences is {file}.")


def _prove_cases(arguments: argparse.Namespace) -> int:
    import asyncio
    from collections import Counter as Tally

    from bench.console import Counter
    from bench.files.atomic import append
    from bench.files.lines import encode
    from bench.search.inequalities import Provers, decide_by_closers
    from bench.search.statement_cases import decide_cases, find_decided, read_cases

    if arguments.out is None or arguments.statement is not None or arguments.assume:
        raise BenchError("--cases goes with --out OUT.jsonl, and without STATEMENT and --assume")
    if arguments.explain is not None:
        raise BenchError("--explain tells one proof; with --cases explain the certificates later")
    cases = read_cases(arguments.cases)
    _make_room(arguments.out, [arguments.cases])
    if arguments.certificates is None and arguments.out.exists() and not arguments.out.is_file():
        raise BenchError(f"--out {arguments.out} is no file; say where proofs go: --certificates")
    certificates = arguments.certificates or arguments.out.with_suffix(".certificates")
    with _writing(certificates):
        certificates.mkdir(parents=True, exist_ok=True)
    decided = find_decided(arguments.out)
    todo = [case for case in cases if case.id not in decided]
    if len(todo) < len(cases):
        sys.stderr.write(f"{len(cases) - len(todo)} of {len(cases)} were decided before\n")
    verdicts: Tally[str] = Tally()
    provers = Provers(arguments.jobs)

    async def go() -> None:
        config = _configure(arguments)
        with Counter("prove", len(todo)) as counter:
            async for row in decide_cases(
                todo,
                provers,
                decide=decide_by_closers,
                config=config,
                certificates=certificates,
            ):
                with _writing(arguments.out):
                    append(arguments.out, encode(row), sync=True)
                verdicts[row["verdict"]] += 1
                counter.tick()

    try:
        asyncio.run(go())
    finally:
        provers.close()
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    print(f"{len(todo)} statements: {told or 'nothing to do'}; verdicts: {arguments.out}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    _prepare_explanation(arguments.explain)
    files = arguments.certificates
    archives = [file for file in files if file.name.endswith(ARCHIVE)]
    if arguments.problem is not None:
        if len(files) != 1 or not archives:
            raise BenchError(f"--problem names a proof of one archive *{ARCHIVE}; give one")
        return int(not _verify_problem(files[0], arguments))
    if arguments.explain is not None and (len(files) > 1 or archives):
        raise BenchError("--explain tells one proof; give one CERT.json, or --problem ID")
    found = [
        _verify_archive(file) if file in archives else _verify_file(file, arguments)
        for file in files
    ]
    return int(not all(found))


def _verify_problem(file: Path, arguments: argparse.Namespace) -> bool:
    from bench.errors import UnknownNameError
    from bench.runs.proofs import read_proofs

    proofs = dict(read_proofs(file))
    if arguments.problem not in proofs:
        raise UnknownNameError(f"problem of {file}", arguments.problem, proofs)
    return _verify_one(proofs[arguments.problem], arguments)


def _verify_file(file: Path, arguments: argparse.Namespace) -> bool:
    from bench.files.lines import decode

    try:
        certificate = decode(file.read_bytes())
    except FileNotFoundError:
        raise DataError(
            f"there is no file {file}; expected a certificate that rstar-bench prove --out wrote"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}; name a certificate") from error
    except ValueError as error:
        raise DataError(f"{file} is not JSON that can be read: {error}") from None
    return _verify_one(certificate, arguments)


def _verify_one(certificate: Mapping[str, Any], arguments: argparse.Namespace) -> bool:
    from bench.inequalities.checker import ProofError, check_proof
    from bench.inequalities.statements import format_text, from_json

    try:
        check_proof(certificate)
    except ProofError as error:
        print(f"No proof: {error}.")
        return False
    print(f"Proved: {format_text(from_json(certificate['statement']))}")
    _explain(certificate, arguments.explain)
    return True


def _verify_archive(file: Path) -> bool:
    from bench.inequalities.checker import ProofError, check_proof
    from bench.runs.proofs import read_proofs

    count, refused, started = 0, 0, time.process_time()
    for name, certificate in read_proofs(file):
        count += 1
        try:
            check_proof(certificate)
        except ProofError as error:
            refused += 1
            print(f"{file.name}, {name}: no proof: {error}.")
    spent = time.process_time() - started
    print(f"{file.name}: {count - refused} of {count} are proofs ({spent:.1f} CPU s)")
    return not refused


def _collect(arguments: argparse.Namespace) -> int:
    from bench.runs.proofs import collect_proofs

    with _writing(arguments.out):
        arguments.out.mkdir(parents=True, exist_ok=True)
    counts = collect_proofs(arguments.runs, arguments.out)
    if not counts:
        print("No run holds a proof.")
    for benchmark, count in sorted(counts.items()):
        print(f"{arguments.out / benchmark}{ARCHIVE}: {count} proofs")
    return 0


def _fit_ranker(arguments: argparse.Namespace) -> int:
    from bench.problems import load
    from bench.reports.ranker import compare_orders, count_loops, fit_ranker
    from bench.runs.reader import load_run

    runs = [load_run(path) for path in arguments.runs]
    for each in map(count_loops, runs):
        print(
            f"{each.search} on {each.benchmark}: {each.proved} proved by the search, "
            f"{each.taken_up:.2f} states taken up, {each.oracle:.2f} on the way"
        )
    for order in compare_orders(runs):
        print(
            f"{order.search}, seed {order.seed}: {order.proved} proved; on the {order.shared} that "
            f"all proved {order.taken_up:.2f} states taken up, {order.oracle:.2f} by the oracle"
        )
    if arguments.out is None:
        return 0
    _make_room(arguments.out, arguments.runs)
    names = dict.fromkeys(run.benchmark for run in runs)
    problems = {problem.id: problem for name in names for problem in load(name)}
    found = fit_ranker(runs, problems, arguments.out)
    for name, share in found.ordered.items():
        print(
            f"without {name}: {100 * share:.1f} % of its {found.pairs[name]} pairs in order "
            "(chance: 50)"
        )
    print(f"The weights are {arguments.out}.")
    return 0
