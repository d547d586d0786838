"""`lm-eval`: lm-eval's own command line, with the model `rstar`, our tasks and the mirror."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError, UnknownNameError
from bench.files.shipped import find_shipped

_PLAIN = ("Need to specify task", "No tasks specified", "Specify --output_path", "If --samples is")
"""Beginnings of those of lm-eval's errors that say to the user what to do."""
_HELP = ("-h", "--help")
_ABOUT = """\
rstar-bench lm-eval: as lm-eval itself, and the model rstar (a search), the tasks rstar_*, lm-eval's
own tasks from the mirror where it holds them, searches kept under --output_path, so that a repeated
command resumes. E.g. run --model rstar --model_args policy=smollm2-r1,search=mcts,rollouts=8
--tasks rstar_math500 --limit 8 --output_path results/lm-eval --log_samples
"""


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    command = verbs.add_parser(
        "lm-eval",
        help="lm-eval's command line, with the model rstar and our tasks",
        # No prefix: every word after the verb, `--help` and the old style without `run` too, is
        # lm-eval's.
        prefix_chars="\0",
        add_help=False,
    )
    command.add_argument("rest", nargs=argparse.REMAINDER)
    command.set_defaults(run=_lm_eval)


def _lm_eval(arguments: argparse.Namespace) -> int:
    from bench.errors import MissingExtraError

    try:
        from lm_eval.__main__ import cli_evaluate

        from bench.lm_eval import search_model, tracker
        from bench.lm_eval.mirrored import serve_mirror
    except ImportError as error:
        raise MissingExtraError("lm-eval", error.name or "lm_eval", "cpu") from error
    serve_mirror()
    tracker.install()
    rest = complete(arguments.rest)
    given = parse(rest)
    if not rest or rest[0] in _HELP:
        print(_ABOUT)
    sys.argv = ["lm-eval", *rest]
    try:
        cli_evaluate()
    except ValueError as error:
        explained = explain(error, given)
        if explained is None:
            raise
        raise explained from None
    finally:
        search_model.close_all()
    return 0


def complete(rest: Sequence[str]) -> list[str]:
    """Return lm-eval's arguments with our tasks and, for a search, the place that it resumes from.

    What the user gives stands: another `--include_path`, of which lm-eval takes one, or another
    `--use_cache`.
    """
    given = parse(rest)
    added: list[str] = []
    tasks = find_shipped("tasks")
    if rest and rest[0] not in _HELP and given.include_path is None and tasks.is_dir():
        added += ["--include_path", str(tasks)]
    if given.model == "rstar" and given.output_path and given.use_cache is None:
        path = Path(given.output_path)
        folder = path.parent if path.suffix == ".json" else path
        added += ["--use_cache", str(folder / "searches")]
    return [*rest, *added]


def parse(rest: Sequence[str]) -> argparse.Namespace:
    """Return those of lm-eval's arguments that are looked at here."""
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    parser.add_argument("--include_path")
    parser.add_argument("--model", "-M")
    parser.add_argument("--tasks", "-t", nargs="+", default=[])
    parser.add_argument("--output_path", "-o")
    parser.add_argument("--use_cache", "-c")
    try:
        return parser.parse_known_args(rest)[0]
    except argparse.ArgumentError as error:
        raise BenchError(f"lm-eval: {error}") from None


def explain(error: ValueError, given: argparse.Namespace) -> BenchError | None:
    """Return what a user got wrong, as a sentence; None for an error that is none of these."""
    from lm_eval.api.registry import model_registry

    sentence = str(error)
    if sentence.startswith("Tasks not found: "):
        return _unknown_tasks(sentence, given.include_path)
    if sentence.startswith("Attempted to load model "):
        return UnknownNameError("lm-eval model", given.model, model_registry.keys())
    return BenchError(f"lm-eval: {sentence}") if sentence.startswith(_PLAIN) else None


def _unknown_tasks(sentence: str, include_path: str | None) -> BenchError:
    """Say what lm-eval does not know, and which of its thousands of tasks are close to it."""
    from lm_eval.tasks import TaskManager

    known = TaskManager(include_path=include_path).all_tasks
    hints = []
    for name in sentence.removeprefix("Tasks not found: ").split(", "):
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
        meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
        hints.append(f"unknown task {name!r}{meant}")
    return BenchError(f"{' '.join(hints)} All are listed by: rstar-bench lm-eval ls tasks")
