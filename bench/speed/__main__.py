"""The command: chooses sections, runs them, prints their figures."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bench.console import quieten_third_parties, run_guarded
from bench.errors import BenchError, UnknownNameError
from bench.speed.answers import measure_answers, measure_panel
from bench.speed.engines import engines
from bench.speed.generation import engine
from bench.speed.measure import Figure, measure_time
from bench.speed.memory import memory
from bench.speed.page import measure_page
from bench.speed.ppm import ppm
from bench.speed.roofline import roofline
from bench.speed.sandbox import sandbox
from bench.speed.scale import scale, scale_on_ray
from bench.speed.search import search
from bench.speed.stored import stored
from bench.speed.training import training

SECTIONS: Mapping[str, Callable[[], Awaitable[list[Figure] | str]]] = {
    "sandbox": sandbox,
    "search": search,
    "answers": measure_answers,
    "panel": measure_panel,
    "stored": stored,
    "engine": engine,
    "roofline": roofline,
    "engines": engines,
    "ppm": ppm,
    "memory": memory,
    "training": training,
    "page": measure_page,
    "scale": scale,
    "ray": scale_on_ray,
}
LONG = ("scale", "ray")
"""Those of an hour or so, which are measured where they are named."""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures of the chosen sections; what a section lacks is printed in its place."""
    return run_guarded("benchmarks", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.speed", description="Measure the harness, part by part."
    )
    parser.add_argument(
        "--only",
        metavar="NAMES",
        help=f"some of {','.join(SECTIONS)}, separated by commas [all but {','.join(LONG)}]",
    )
    only = parser.parse_args(argv).only
    names = only.split(",") if only else [name for name in SECTIONS if name not in LONG]
    for name in names:
        if name not in SECTIONS:
            raise UnknownNameError("section", name, SECTIONS)
    quieten_third_parties()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    for name in names:
        with measure_time() as watch:
            text = _measured(SECTIONS[name])
        print(f"\n{name} ({watch.wall:.0f} s)\n{text}", flush=True)
    return 0


def _measured(section: Callable[[], Awaitable[list[Figure] | str]]) -> str:
    async def run() -> list[Figure] | str:
        return await section()

    try:
        figures = asyncio.run(run())
    except BenchError as error:
        return f"  not measured: {error}"
    if isinstance(figures, str):  # a table
        return figures
    width = max(len(figure.name) for figure in figures)
    lines = [f"  {f.name:<{width}}  {_shown(f.value):>8} {f.unit:<12}{f.asked}" for f in figures]
    return "\n".join(line.rstrip() for line in lines)


def _shown(value: float) -> str:
    """Three digits that matter."""
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{places}f}"


if __name__ == "__main__":
    sys.exit(main())
