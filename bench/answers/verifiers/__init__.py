"""Verifiers: what decides whether an answer is right where no single reference exists.

A problem names a verifier and gives its parameters (`bench.types.Verifier`). A verifier is a
function of the answer's text, and never evaluates it as code. A new one is a module here and one
entry below.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from bench.answers.verifiers.arithmetic import verify_arithmetic
from bench.answers.verifiers.certificate import verify_certificate
from bench.answers.verifiers.judgement import Judgement
from bench.errors import DataError, UnknownNameError
from bench.types import Verdict, Verifier

VERIFIERS: Mapping[str, Callable[..., Judgement]] = {
    "arithmetic": verify_arithmetic,
    "certificate": verify_certificate,
}


def verify(verifier: Verifier, answer: str) -> Verdict:
    """Decide whether an answer is right, and why.

    Raises UnknownNameError; DataError: the verifier does not take the problem's parameters.
    """
    if verifier.name not in VERIFIERS:
        raise UnknownNameError("verifier", verifier.name, VERIFIERS)
    start = perf_counter()
    try:
        finding = VERIFIERS[verifier.name](answer, **verifier.parameters)
    except TypeError as error:
        raise DataError(
            f"the verifier {verifier.name!r} does not take {_shown(verifier.parameters)}: {error}"
        ) from error
    return Verdict(
        outcome=finding.outcome,
        comparer=f"verifier {verifier.name}",
        gold="",
        prediction=answer,
        reason=finding.reason,
        seconds=perf_counter() - start,
    )


def _shown(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in parameters.items()) or "no parameters"
