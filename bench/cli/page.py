"""`page`: runs and their trees in a file that a browser opens."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    page = verbs.add_parser(
        "page",
        help="write a page of runs, their problems and trees, that a browser opens",
        description="Write one HTML file that needs no network: the table of runs, their curves, "
        "every problem with its answers, and its tree with a slider over the budget. Also a page "
        "of published training rounds, of proofs, and of a diff of checkers; what a path holds is "
        "recognised. What does not fit one file goes to files beside it.",
    )
    page.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="a run directory or a folder of them, a folder of published rounds, an archive of "
        "proofs, a certificate, or a file that `checkers diff --out` wrote",
    )
    page.add_argument("--out", type=Path, required=True, metavar="FILE.html")
    page.set_defaults(run=_page)


def _page(arguments: argparse.Namespace) -> int:
    from bench.files.outputs import check_output
    from bench.page.pages import write_page

    check_output(arguments.out)
    written = write_page(arguments.paths, arguments.out)
    print(f"page: {', '.join(map(str, written.files))} ({written.size / 1e6:.1f} MB)")
    return 0
