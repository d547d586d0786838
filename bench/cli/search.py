"""`replay`, `tree`: recorded searches grown again, and one search tree in the terminal."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from bench.cli.options import positive_integer, workers
from bench.console import print_rich
from bench.errors import BenchError


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    replay = verbs.add_parser(
        "replay",
        help="grow recorded official searches again and compare them node by node",
        description="Grow each recorded search again with the recorded completions and scores, "
        "under the official rules, its programs run anew in the sandbox. Compared are tag, text, "
        "visit count, Q to 1e-9, value and dead-end kind of every node; the best answer of each "
        "rollout; the solutions of a beam search. Exit status 1 when anything differs.",
    )
    replay.add_argument("files", type=Path, nargs="+", metavar="FILE.jsonl")
    replay.add_argument(
        "--show",
        type=positive_integer,
        default=5,
        help="differences shown of a search [%(default)s]",
    )
    replay.add_argument(
        "--workers", type=workers, default=2, help="sandbox processes [%(default)s]"
    )
    replay.set_defaults(run=_replay)

    tree = verbs.add_parser(
        "tree",
        help="print the search tree of one problem of a run",
        description="Print the search tree of one problem: Q, N, PPM value, code status and "
        "tokens of every step, the chosen path marked, discarded candidates dimmed.",
    )
    tree.add_argument("path", type=Path, metavar="RUN", help="run directory")
    tree.add_argument("--problem", required=True, metavar="ID", help="id of the problem")
    tree.add_argument("--seed", type=int, help="run seed, where the run holds several")
    tree.add_argument(
        "--selector", help="whose choice is marked, e.g. mcts [the run's first selector]"
    )
    tree.add_argument("--depth", type=positive_integer, help="steps shown below the root [all]")
    tree.add_argument(
        "--step", metavar="PATH", help="show this step whole, e.g. 0.1.0, in place of the tree"
    )
    tree.set_defaults(run=_tree)


def _replay(arguments: argparse.Namespace) -> int:
    from bench.search.official.replay import read_recordings

    recordings = [each for path in arguments.files for each in read_recordings(path)]
    differing = asyncio.run(_replay_all(recordings, arguments.workers, arguments.show))
    print(f"identical {len(recordings) - differing} of {len(recordings)}")
    return 1 if differing else 0


async def _replay_all(recordings: list[Any], workers: int, show: int) -> int:
    """Replay searches side by side, printing the differences in order; return how many differ."""
    from bench.sandbox import Sandbox, SandboxConfig
    from bench.search.official.replay import replay

    # As long as the official executor waits: on a busy machine a correct program may be slow.
    config = SandboxConfig(workers=workers, timeout=30.0)
    slots = asyncio.Semaphore(workers)
    async with Sandbox(config) as sandbox:

        async def one(recording: Any) -> list[str]:
            async with slots:
                return await replay(recording, sandbox)

        found = await asyncio.gather(*(one(recording) for recording in recordings))
    for recording, differences in zip(recordings, found, strict=True):
        if differences:
            print(f"{recording.id}: {len(differences)} differences")
            for line in differences[:show]:
                print(f"  {line}")
            if len(differences) > show:
                print(f"  and {len(differences) - show} more")
    return sum(map(bool, found))


def _tree(arguments: argparse.Namespace) -> int:
    from bench.reports.tree_view import shown_step, shown_tree
    from bench.runs.reader import load_run

    if arguments.step is not None:
        for name in ("selector", "depth"):
            if getattr(arguments, name) is not None:
                raise BenchError(f"--{name} is about a whole tree; leave out --step, or that")
        run = load_run(arguments.path)
        print_rich(shown_step(run, arguments.problem, arguments.step, seed=arguments.seed))
        return 0
    found = shown_tree(
        load_run(arguments.path),
        arguments.problem,
        seed=arguments.seed,
        selector=arguments.selector,
        depth=arguments.depth,
    )
    print_rich(found, columns=160)
    return 0
