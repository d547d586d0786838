"""`serve`: search behind OpenAI's interface."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from bench.cli.options import (
    add_knobs,
    add_search_options,
    given_knobs,
    read_search,
    sandbox_level,
)
from bench.errors import MissingExtraError


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    serve = verbs.add_parser(
        "serve",
        help="answer OpenAI's chat completions and completions by a search",
        description="Answer OpenAI's chat completions and completions by a search. The model's "
        "name says search and budget: P is the search given here, mcts-64/P has 64 rollouts, "
        'sample-8/P 8 samples; knobs may stand in the body, under "search". Ends with Ctrl-C.',
    )
    serve.add_options = _add_options
    serve.set_defaults(run=_serve)


def _add_options(serve: argparse.ArgumentParser) -> None:
    from bench.knobs import knobs_of
    from bench.serving.settings import ServerSettings

    serve.add_argument("--search", default="mcts", help="what is searched with [%(default)s]")
    add_search_options(serve, deciding=False)
    add_knobs(serve, knobs_of(ServerSettings).values())
    serve.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        help="ask for the key that this file holds [RSTAR_BENCH_SERVE_KEY]",
    )
    serve.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="keep the trees there, as files, instead of in memory",
    )


def _serve(arguments: argparse.Namespace) -> int:
    from bench.knobs import knobs_of
    from bench.serving.settings import ServerSettings

    try:
        from bench.serving.server import Place, read_key, serve
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise MissingExtraError("rstar-bench serve", str(error.name), "serve") from error
    spec = read_search(arguments, "served")
    settings = ServerSettings(**given_knobs(arguments, knobs_of(ServerSettings)))
    place = Place(settings, read_key(arguments.key_file), arguments.out)
    asyncio.run(
        serve(
            spec,
            place,
            level=sandbox_level(arguments),
            base_url=arguments.base_url,
            ppm_url=arguments.ppm_url,
            on_ready=_tell,
        )
    )
    return 0


def _tell(url: str) -> None:
    print(f"serving at {url}; Ctrl-C ends it", flush=True)
    sys.stdout.flush()
