"""`--model_args` of the model `rstar`, read and checked before anything is loaded.

They are the fields of `bench.evaluation.spec.RunSpec` that a search reads and the knobs of every
search, under the names of the options of `rstar-bench run`, and four that only lm-eval needs. A
value that the chosen search would ignore is an error: a table that says `rollouts=64` must not be
of a search without rollouts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bench.engines.policy import SamplingSettings
from bench.errors import BenchError, UnknownNameError
from bench.evaluation.runner import CONCURRENCY, Concurrency
from bench.evaluation.spec import RunSpec
from bench.knobs import Knob, knobs_of
from bench.search.registry import all_knobs, configure, find_search

PROMPT = "prompt"
"""The value of `question` that has the whole prompt searched."""
NOT_FOR_A_MODEL = ("benchmark", "limit", "errata")
"""Fields of a specification that say which problems there are, which lm-eval does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """What only lm-eval asks for."""

    selector: str | None = None
    """Which of the search's selectors answers; None is its first."""
    question: str | None = None
    """The document's column that is searched, or `prompt`; None: `bench.lm_eval.questions`."""
    on_failure: Literal["stop", "empty"] = "stop"
    """What becomes of a task that cannot tell a failed search from a wrong answer."""
    concurrency: Concurrency = CONCURRENCY
    """Documents in flight; changes no result."""


@dataclass(frozen=True, slots=True)
class ModelArguments:
    """What `--model_args` asks for."""

    spec: RunSpec
    settings: ModelSettings


SEARCHED = all_knobs(deciding=False)
"""The knobs of searches whose answers a task can grade."""


def known_arguments() -> dict[str, Knob]:
    """Return every argument by name."""
    of_run = {name: knob for name, knob in knobs_of(RunSpec).items() if name not in NOT_FOR_A_MODEL}
    return {**of_run, **knobs_of(SamplingSettings), **knobs_of(ModelSettings), **SEARCHED}


def read_arguments(given: Mapping[str, Any]) -> ModelArguments:
    """Read the arguments. Raises BenchError: an unknown one, a wrong value, one without effect."""
    known = known_arguments()
    values: dict[str, Any] = {"policy": "smollm2", "search": "mcts"}
    for name, value in given.items():
        if name not in known:
            raise _unknown(name, known)
        if value is not None:
            values[name] = _read(known[name], value)
    if find_search(values["search"]).decides:
        raise BenchError(
            f"model_args: the search {values['search']!r} answers with certificates, which no task "
            "grades; run it with rstar-bench run"
        )
    try:
        config = configure(values["search"], _take(values, SEARCHED))
    except BenchError as error:
        raise BenchError(f"model_args: {error}") from error
    settings = ModelSettings(**_take(values, knobs_of(ModelSettings)))
    sampling = SamplingSettings(**_take(values, knobs_of(SamplingSettings)))
    spec = RunSpec("lm-eval", **values, config=config, sampling=sampling)
    return ModelArguments(spec, settings)


def _take(values: dict[str, Any], known: Mapping[str, Knob]) -> dict[str, Any]:
    """Take out of `values` those that `known` names, and return them."""
    return {name: values.pop(name) for name in known if name in values}


def _read(knob: Knob, value: object) -> Any:
    # lm-eval makes numbers of what looks like one; a name may.
    if knob.kind is str and not knob.choices and not isinstance(value, bool):
        value = str(value)
    try:
        return knob.read(value)
    except ValueError as error:
        if knob.choices:
            raise UnknownNameError(f"value of {knob.name}", str(value), knob.choices) from None
        raise BenchError(f"model_args: {knob.name}={value} is wrong; it must be {error}") from None


def _unknown(name: str, known: Mapping[str, Knob]) -> BenchError:
    if name in ("pretrained", "model"):
        return BenchError(
            f"model_args: {name!r} is called 'policy' here, e.g. policy=smollm2-r1 or a folder "
            "that rstar-train wrote"
        )
    return UnknownNameError("argument of the model rstar", name, known)
