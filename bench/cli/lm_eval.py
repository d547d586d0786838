"""`lm-eval`: lm-eval's own command line, with the model `rstar`, our tasks and the mirror."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_TASKS = Path(__file__).resolve().parents[2] / "tasks"


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    command = verbs.add_parser(
        "lm-eval",
        help="lm-eval's command line, with the model rstar and our tasks",
        description="As lm-eval itself; e.g. run --model rstar --model_args "
        "policy=smollm2-r1,search=mcts,rollouts=8 --tasks rstar_math500 --limit 8",
    )
    command.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="for lm-eval")
    command.set_defaults(run=_lm_eval)


def _lm_eval(arguments: argparse.Namespace) -> int:
    from bench.errors import MissingExtraError

    try:
        from lm_eval.__main__ import cli_evaluate
        from lm_eval.api.registry import model_registry
    except ImportError as error:
        raise MissingExtraError("lm-eval", error.name or "lm_eval", "cpu") from error
    from bench.lm_eval.mirrored import serve_mirror

    model_registry.register("rstar", target="bench.lm_eval.search_model:RStarLM")
    serve_mirror()
    rest = list(arguments.rest)
    # Its `--include_path` takes one place; whoever names one chooses it instead of ours.
    if rest and not any(given.startswith("--include_path") for given in rest) and _TASKS.is_dir():
        rest += ["--include_path", str(_TASKS)]
    sys.argv = ["lm-eval", *rest]
    cli_evaluate()
    return 0
