"""The rules of EleutherAI's lm-evaluation-harness, imported from the installed package.

A rule's file is loaded by its path, since importing `lm_eval.tasks` costs seconds and its tasks'
folders are no packages. The alarms that two of the files set are taken out: they work on a main
thread only, and turn running out of time into "not equal"; here the host keeps the clock.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from bench.checkers.panel.base import Ruling, bare
from bench.checkers.panel.hosted import Hosted
from bench.errors import BenchError, MissingExtraError

HENDRYCKS = "hendrycks_math/utils.py"
MINERVA = "minerva_math/utils.py"


def hendrycks_checker() -> Hosted:
    """Return lm-eval's `hendrycks_math` rule. Raises MissingExtraError."""
    task_file(HENDRYCKS)
    about = "equal strings after Hendrycks' normalisation of the bare answers"
    return Hosted("lm-eval-hendrycks", f"{_version()} hendrycks_math", about, hendrycks)


def minerva_checker() -> Hosted:
    """Return lm-eval's `minerva_math` rule, the one of `exact_match`. Raises MissingExtraError."""
    task_file(MINERVA)
    about = "Minerva's normalisation of the bare answers, then sympy's LaTeX parser and simplify"
    return Hosted("lm-eval-minerva", f"{_version()} minerva_math", about, minerva)


def hendrycks(gold: str, prediction: str) -> Ruling:
    """Ask `is_equiv` of lm-eval's hendrycks_math."""
    rule = load(HENDRYCKS)
    sides = bare(gold), bare(prediction)
    forms = [_stripped(rule, side) for side in sides]
    relation = "equal" if (equal := bool(rule.is_equiv(*sides))) else "different"
    return Ruling(equal, f"{relation} strings: {forms[0]!r} and {forms[1]!r}")


def minerva(gold: str, prediction: str) -> Ruling:
    """Ask `is_equiv` of lm-eval's minerva_math, after its normalisation."""
    rule = load(MINERVA)
    forms = [rule.normalize_final_answer(bare(side)) for side in (gold, prediction)]
    relation = "equal" if (equal := bool(rule.is_equiv(*forms))) else "not found equal"
    return Ruling(equal, f"{relation}: {forms[0]!r} and {forms[1]!r}")


@cache
def load(task: str) -> ModuleType:
    """Execute one file of lm-eval's tasks; raises what `task_file` raises."""
    file = task_file(task)
    spec = importlib.util.spec_from_file_location(f"_lm_eval_{file.parent.name}", file)
    if spec is None or spec.loader is None:
        raise BenchError(f"{file} cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for alarm in ("timeout", "time_limit"):
        if hasattr(module, alarm):
            setattr(module, alarm, _no_alarm)
    return module


def task_file(task: str) -> Path:
    """Return where a file of lm-eval's tasks is; nothing of it is imported.

    Raises:
        MissingExtraError: lm-eval is not installed.
        BenchError: this version of it has no such file.
    """
    try:
        spec = importlib.util.find_spec("lm_eval")
    except ValueError:  # it was imported without a spec, or its import was forbidden
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("this checker", "lm-eval", "cpu")
    file = Path(spec.submodule_search_locations[0]) / "tasks" / task
    if not file.exists():
        raise BenchError(
            f"{_version()} has no tasks/{task}; the panel knows the files of lm-eval 0.4.13"
        )
    return file


def _version() -> str:
    return f"lm-eval {version('lm_eval')}"


def _stripped(rule: ModuleType, text: str) -> str:
    try:
        return str(rule.strip_string(text))
    except Exception:  # is_equiv then compares the texts as they are
        return text


@contextlib.contextmanager
def _no_alarm(seconds: float = 0.0) -> Iterator[None]:
    yield
