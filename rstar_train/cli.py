"""`rstar-train`: parse and call; the trainers themselves are imported when a verb needs them."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, 2 with a sentence for what a user can fix."""
    parser = argparse.ArgumentParser(
        prog="rstar-train", description="Reproduce rStar-Math's rounds of self-evolution."
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    evolve = verbs.add_parser(
        "evolve",
        help="search, policy SFT, PPM, evaluation",
        description="Run the rounds of a recipe. Repeat the command to go on where it was.",
    )
    evolve.add_argument("--recipe", required=True, help="name of a shipped recipe, or a YAML file")
    evolve.add_argument("--rounds", type=int, default=1, help="how many rounds [%(default)s]")
    evolve.add_argument("--work", type=Path, help="where stages write [results/runs/train-RECIPE]")
    evolve.add_argument(
        "--publish",
        type=Path,
        help="where the adapters go [results/checkpoints/smollm2-135m]",
    )
    evolve.set_defaults(run=_evolve)
    arguments = parser.parse_args(argv)
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


def _evolve(arguments: argparse.Namespace) -> int:
    from rstar_train.evolve import evolve
    from rstar_train.recipe import load_recipe

    recipe = load_recipe(arguments.recipe)
    figures = evolve(
        recipe,
        rounds=arguments.rounds,
        work=arguments.work or Path("results/runs") / f"train-{recipe.name}",
        publish=arguments.publish or Path("results/checkpoints/smollm2-135m"),
    )
    print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
