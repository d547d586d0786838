"""`rstar-train`: parse and call; the trainers themselves are imported when a verb needs them."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, 2 with a sentence for what a user can fix."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    for name in ("httpx", "datasets", "accelerate", "huggingface_hub", "gguf"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        status: int = arguments.run(arguments)
        return status
    except BenchError as error:
        sys.stderr.write(f"rstar-train: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nrstar-train: interrupted; repeat the command to go on where it was\n")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rstar-train", description="Reproduce rStar-Math's rounds of self-evolution."
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    evolve = verbs.add_parser(
        "evolve",
        help="the rounds of a recipe: search, policy SFT, PPM, evaluation",
        description="Run the rounds of a recipe. Repeat the command to go on where it was.",
    )
    _add_run(evolve)
    evolve.add_argument("--rounds", type=int, default=0, help="how many [all of the recipe's]")
    evolve.add_argument(
        "--publish", type=Path, help="where the adapters go [results/checkpoints/, as recipe says]"
    )
    evolve.set_defaults(run=_evolve)
    return parser


def _add_run(command: argparse.ArgumentParser) -> None:
    """Add the arguments that say which run is meant."""
    command.add_argument("--recipe", required=True, help="name of a shipped recipe, or a YAML file")
    command.add_argument(
        "--tiny", action="store_true", help="the recipe shrunk to minutes, to see it work"
    )
    command.add_argument("--work", type=Path, help="where stages write [results/runs/train-RECIPE]")


def _evolve(arguments: argparse.Namespace) -> int:
    from rstar_train.evolve import evolve
    from rstar_train.recipe import load_recipe, recipe_path
    from rstar_train.tables import render_rounds
    from rstar_train.tiny import tiny

    recipe = load_recipe(arguments.recipe)
    beside = recipe_path(arguments.recipe).parent
    if arguments.tiny:
        recipe = tiny(recipe)
    work = arguments.work or Path("results/runs") / f"train-{recipe.name}"
    publish = arguments.publish
    if publish is None:
        # A tiny run's checkpoints are of no use: they stay with the run.
        kept = work / "checkpoints" if arguments.tiny else Path("results/checkpoints")
        publish = kept / recipe.checkpoints
    figures = evolve(recipe, rounds=arguments.rounds, work=work, publish=publish, beside=beside)
    print(render_rounds(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
