"""Scores HumanEval in the sandbox; the function that the task `rstar_humaneval` names.

A program is the prompt, the model's completion, the problem's tests, and a word that is printed
last, another one each time. Without that word it has not passed: a completion that ends the
interpreter before the tests, with success, would look as if it had.
"""

from __future__ import annotations

import secrets
from collections.abc import Coroutine, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from bench.lm_eval.loop import LoopThread
from bench.sandbox import Sandbox, SandboxConfig, Status

T = TypeVar("T")

SECONDS = 10.0
"""Of CPU for a program. lm-eval gives three of the wall clock, which a busy machine shortens."""


def process_results(doc: Mapping[str, str], results: Sequence[str]) -> dict[str, float]:
    """Return whether the completion passes the tests, as `pass@1`.

    Raises SandboxError: the sandbox cannot work, which no completion is to be blamed for.
    """
    (completion,) = results
    return {"pass@1": float(_passes(doc, completion))}


def _passes(doc: Mapping[str, str], completion: str) -> bool:
    word = secrets.token_hex(8)
    program = "\n".join(
        (
            doc["prompt"] + completion,
            doc["test"],
            f"check({doc['entry_point']})",
            f"print({word!r})",
        )
    )
    execution = _run(_opened().run(program, leaf=True))
    return execution.status is Status.OK and execution.stdout.endswith(f"{word}\n")


@cache
def _loop() -> LoopThread:
    """Return the loop of the sandbox, which ends with this process."""
    return LoopThread()


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    return _loop().run(coroutine)


@cache
def _opened() -> Sandbox:
    """Return a sandbox that is open until this process ends, and its children with it."""
    config = SandboxConfig(timeout=SECONDS, workers=1, live=0, cache=0)
    return _run(Sandbox(config).__aenter__())
