"""`--model_args` of the model `rstar`, read and checked before anything is loaded.

They are the fields of `bench.evaluation.spec.RunSpec` that a search reads, under the names of the
options of `rstar-bench run`, and four that only lm-eval needs. A value that the chosen search would
ignore is an error: a table that says `rollouts=64` must not be of a search without rollouts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError, UnknownNameError
from bench.evaluation.spec import SEARCHES, RunSpec

PROMPT = "prompt"
"""The value of `question` that has the whole prompt searched."""
ON_FAILURE = ("stop", "empty")


@dataclass(frozen=True, slots=True)
class ModelArguments:
    """What `--model_args` asks for."""

    spec: RunSpec
    selector: str | None = None
    """Which of the search's selectors answers; None is its first."""
    question: str | None = None
    """The document's column that is searched, or `prompt`; None: `bench.lm_eval.questions`."""
    on_failure: str = "stop"
    """What becomes of a task that cannot tell a failed search from a wrong answer."""
    concurrency: int = 32
    """Documents in flight; changes no result."""


def model_arguments(given: Mapping[str, Any]) -> ModelArguments:
    """Read the arguments. Raises BenchError: an unknown one, a wrong value, one without effect."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in _READ:
            raise _unknown(name)
        if value is not None:
            values[name] = _READ[name](name, value)
    search = values.setdefault("search", "mcts")
    if search not in SEARCHES:
        raise UnknownNameError("search", search, SEARCHES)
    budget = SEARCHES[search].budget
    for name in values:
        if name in _BUDGETS and name not in budget:
            raise BenchError(
                f"model_args: the search {search!r} does not use {name}; of the budget it uses "
                f"{', '.join(budget) or 'nothing'}"
            )
    on_failure = values.get("on_failure", "stop")
    if on_failure not in ON_FAILURE:
        raise UnknownNameError("value of on_failure", on_failure, ON_FAILURE)
    ours = {name: values.pop(name) for name in _OURS if name in values}
    return ModelArguments(RunSpec("lm-eval", **{"policy": "smollm2", **values}), **ours)


def _unknown(name: str) -> BenchError:
    if name in ("pretrained", "model"):
        return BenchError(
            f"model_args: {name!r} is called 'policy' here, e.g. policy=smollm2-r1 or a folder "
            "that rstar-train wrote"
        )
    return UnknownNameError("argument of the model rstar", name, _READ)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        raise _wrong(name, value, "a name")
    return str(value)


def _integer(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(name, value, "a whole number")
    return value


def _positive(name: str, value: Any) -> int:
    if _integer(name, value) < 1:
        raise _wrong(name, value, "at least 1")
    return int(value)


def _finite(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _wrong(name, value, "a finite number")
    return float(value)


def _above_zero(name: str, value: Any) -> float:
    if not _finite(name, value) > 0:
        raise _wrong(name, value, "above 0; search=greedy takes no samples")
    return float(value)


def _wrong(name: str, value: Any, expected: str) -> BenchError:
    return BenchError(f"model_args: {name}={value} is wrong; it must be {expected}")


_READ: Mapping[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("policy", "search", "ppm", "engine", "template"), _text),
    **dict.fromkeys(("rules", "aggregate"), _text),
    **dict.fromkeys(("n", "rollouts", "candidates", "max_depth", "tokens"), _positive),
    **dict.fromkeys(("beam_width", "lookahead", "concurrency"), _positive),
    **dict.fromkeys(("step_tokens", "solution_tokens"), _positive),
    **dict.fromkeys(("selector", "question", "on_failure"), _text),
    "seed": _integer,
    "c": _finite,
    "temperature": _above_zero,
}
"""Every argument, with what reads its value."""
_OURS = ("selector", "question", "on_failure", "concurrency")
_BUDGETS = frozenset(name for kind in SEARCHES.values() for name in kind.budget)
