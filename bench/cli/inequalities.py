"""`prove`, `verify-proof`: inequalities decided exactly, and proofs checked by somebody else.

Exit status 0 says proved, 1 refuted, open or no proof, 2 is for what a user can fix.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bench.errors import DataError


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    proving = verbs.add_parser(
        "prove",
        help="prove an inequality with a certificate, or refute it at a rational point",
        description="Reads Lean-like statements, plain text and LaTeX; proves without a model.",
    )
    proving.add_argument(
        "statement", metavar="STATEMENT", help="e.g. 'a/b + b/a >= 2 with a, b > 0'"
    )
    proving.add_argument(
        "--assume",
        action="append",
        default=[],
        metavar="RELATION",
        help="a further assumption, e.g. 'a + b = 1'; may be repeated",
    )
    proving.add_argument(
        "--seconds", type=float, default=60.0, help="CPU time at most [%(default)s]"
    )
    proving.add_argument("--out", type=Path, metavar="CERT.json", help="where the proof is stored")
    proving.set_defaults(run=_prove)
    verifying = verbs.add_parser(
        "verify-proof",
        help="check a certificate of `prove` in rational arithmetic, independently of the prover",
    )
    verifying.add_argument("certificate", type=Path, metavar="CERT.json")
    verifying.set_defaults(run=_verify)


def _prove(arguments: argparse.Namespace) -> int:
    from bench.files.atomic import replace_json
    from bench.inequalities.deciding import decide_statement
    from bench.inequalities.reading import read_statement
    from bench.inequalities.statements import format_relation, format_text

    statement = read_statement(arguments.statement, arguments.assume)
    print(f"Read as: {format_text(statement)}")
    decision = decide_statement(statement, arguments.seconds)
    if decision.counterexample is not None:
        point = ", ".join(f"{name} = {x}" for name, x in decision.counterexample.point.items())
        claim = format_relation(statement.claims[decision.counterexample.claim])
        print(f"Refuted ({decision.seconds:.1f} s): at {point} it is not true that {claim}.")
        return 1
    if decision.refused:
        print(f"Open: the prover's proof is none, which is a fault of ours: {decision.refused}.")
        return 1
    if decision.certificate is None:
        print(f"Open: neither a proof nor a counterexample in {decision.seconds:.1f} CPU seconds.")
        return 1
    steps = [step["step"] for proof in decision.certificate["proofs"] for step in proof]
    print(f"Proved ({decision.seconds:.1f} s), and checked exactly: {', '.join(steps)}.")
    if arguments.out is not None:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        replace_json(arguments.out, decision.certificate)
        print(f"The certificate is {arguments.out}; rstar-bench verify-proof checks it again.")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from bench.inequalities.checker import ProofError, check_proof
    from bench.inequalities.statements import format_text, from_json

    try:
        certificate = json.loads(arguments.certificate.read_bytes())
    except FileNotFoundError:
        raise DataError(
            f"there is no file {arguments.certificate}; expected a certificate that "
            "rstar-bench prove --out wrote"
        ) from None
    except ValueError as error:
        raise DataError(f"{arguments.certificate} is not JSON: {error}") from None
    try:
        check_proof(certificate)
    except ProofError as error:
        print(f"No proof: {error}.")
        return 1
    print(f"Proved: {format_text(from_json(certificate['statement']))}")
    return 0
