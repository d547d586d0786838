"""`rstar-train`: parse and call; the trainers themselves are imported when a verb needs them."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.completion import answer_shell
from bench.cli.options import add_cluster_options, read_cluster, suggest
from bench.cli.parser import Parser
from bench.console import quieten_third_parties, run_guarded

if TYPE_CHECKING:
    from rstar_train.figures import EvaluationFigures
    from rstar_train.publishing.tables import TextTable
    from rstar_train.recipes.recipe import Recipe


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, 2 with a sentence for what a user can fix."""
    return run_guarded("rstar-train", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = _parser()
    answer_shell(parser)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    quieten_third_parties()
    status: int = arguments.run(arguments)
    return status


def _parser() -> Parser:
    parser = Parser(
        prog="rstar-train", description="Reproduce the rounds of rStar-Math and of CPL."
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    evolve = verbs.add_parser(
        "evolve",
        help="the rounds of a recipe: search, trainings, evaluation",
        description="Run the rounds of a recipe. Repeat the command to go on where it was.",
    )
    _add_run(evolve)
    evolve.add_argument("--rounds", type=int, help="how many [all of the recipe's]")
    evolve.add_argument(
        "--dry-run", action="store_true", help="say what would be run, and run nothing"
    )
    _add_publish(evolve)
    add_cluster_options(evolve)
    evolve.set_defaults(run=_evolve)
    ablate = verbs.add_parser(
        "ablate",
        help="what the last round is compared with: other data, other scorers; for CPL, other ways "
        "to learn preferences",
        description="Train and evaluate the variants. Repeat the command to go on where it was.",
    )
    _add_run(ablate)
    _add_publish(ablate)
    ablate.set_defaults(run=_ablate)
    scorers = verbs.add_parser(
        "scorers",
        help="what a round's PPM might have learnt instead, on the same held-out problems",
        description="Train and measure variants of a round's PPM on solutions of its own policy. "
        "Repeat the command to go on where it was.",
    )
    _add_run(scorers)
    _add_publish(scorers)
    scorers.add_argument("--round", type=int, required=True, help="whose PPM")
    scorers.add_argument(
        "--only", metavar="NAME[,NAME...]", default="", help="some of the variants [all]"
    )
    scorers.set_defaults(run=_scorers)
    head = verbs.add_parser(
        "head",
        help="a PPM that is a head on a policy's own states",
        description="Let a policy search problems of a recipe's pool, and fit a head to what comes "
        "of it. With --engine invariant and --ppm-engine invariant a candidate is then scored at "
        "the price of a token. Repeat the command to go on where it was.",
    )
    _add_run(head)
    suggest(
        head.add_argument(
            "--policy", required=True, help="who searches, and whose states it reads"
        ),
        _list_policies,
    )
    head.add_argument("--problems", type=int, default=400, help="problems that it searches [400]")
    head.add_argument("--samples", type=int, default=8, help="solutions of each [8]")
    head.add_argument("--out", type=Path, required=True, help="folder of the PPM")
    head.set_defaults(run=_head)
    status = verbs.add_parser(
        "status",
        help="where a run is, coverage by tier, time left",
        description="Read a run's work folder, while it runs or after.",
    )
    _add_run(status)
    status.set_defaults(run=_status)
    table = verbs.add_parser(
        "table",
        help="coverage, training and accuracy of every round",
        description="Print the tables of published rounds, from their figures.json alone.",
    )
    table.add_argument(
        "checkpoints",
        type=Path,
        nargs="?",
        help="folder with round-1, round-2 and so on [results/checkpoints/smollm2-135m]",
    )
    table.add_argument("--plot", type=Path, metavar="SVG", help="draw the rounds into this file")
    table.add_argument("--families", action="store_true", help="add what was solved, by family")
    table.add_argument("--markdown", action="store_true", help="print Markdown, not columns")
    table.set_defaults(run=_table)
    _add_data_verbs(verbs)
    return parser


def _add_data_verbs(verbs: Any) -> None:
    replay = verbs.add_parser(
        "replay",
        help="compare rows with those that the released code extracts",
        description="Exit status 1 where anything differs.",
    )
    replay.add_argument("--trees", type=Path, required=True, help="official search results")
    replay.add_argument("--expected", type=Path, required=True, help="what is to come out of them")
    replay.set_defaults(run=_replay)
    imported = verbs.add_parser(
        "import-official",
        help="read the released code's results, training sets and reward models",
        description="Write our rows (sft.jsonl, pairs.jsonl), or our checkpoint, to --out.",
    )
    what = imported.add_mutually_exclusive_group(required=True)
    what.add_argument("--results", type=Path, nargs="+", help="search result files (JSON Lines)")
    what.add_argument("--sft", type=Path, help="a file in the layout of rstar_sft")
    what.add_argument("--ppm", type=Path, help="a file in the layout of rstar_ppm")
    what.add_argument("--value-head", type=Path, help="a folder with a value_head.bin")
    imported.add_argument("--out", type=Path, required=True, help="folder to write to")
    imported.set_defaults(run=_import)
    exported = verbs.add_parser(
        "export-official",
        help="write rows in the published layouts",
        description="Turn sft.jsonl into the layout of rstar_sft, pairs.jsonl into rstar_ppm's.",
    )
    exported.add_argument("--rows", type=Path, required=True, help="folder with our rows")
    exported.add_argument("--out", type=Path, required=True, help="folder to write to")
    exported.set_defaults(run=_export)


def _list_policies() -> list[str]:
    from bench.checkpoints.checkpoint import EMBEDDED, published_checkpoints

    return [EMBEDDED, *published_checkpoints("policy")]


def _recipes() -> list[str]:
    from rstar_train.recipes.recipe import shipped_recipes

    return shipped_recipes()


def _add_run(command: argparse.ArgumentParser) -> None:
    """Add the arguments that say which run is meant."""
    recipe = command.add_argument(
        "--recipe", required=True, help="name of a shipped recipe, or a YAML file"
    )
    suggest(recipe, _recipes, files=True)
    command.add_argument(
        "--tiny", action="store_true", help="the recipe shrunk to minutes, to see it work"
    )
    command.add_argument("--work", type=Path, help="where stages write [results/runs/train-RECIPE]")


def _add_publish(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--publish", type=Path, help="where the adapters go [results/checkpoints/, as recipe says]"
    )


def _scorers(arguments: argparse.Namespace) -> int:
    from rstar_train.publishing.tables import scorers_table
    from rstar_train.rounds.scorers import compare_scorers

    run = _find_run(arguments)
    figures = compare_scorers(
        run.recipe,
        arguments.round,
        work=run.work,
        publish_in=run.publish,
        names=[name for name in arguments.only.split(",") if name],
        beside=run.beside,
    )
    _print_tables([scorers_table(figures)])
    return 0


@dataclass(frozen=True, slots=True)
class _Run:
    """The run that is meant: its recipe, and where it reads and writes."""

    recipe: Recipe
    work: Path
    publish: Path
    beside: Path


def _evolve(arguments: argparse.Namespace) -> int:
    from rstar_train.publishing.tables import load_base
    from rstar_train.rounds.evolve import evolve

    run = _find_run(arguments)
    if arguments.dry_run:
        return _describe(run, arguments.rounds)
    cluster = read_cluster(arguments)
    where: dict[str, Any] = {}
    if cluster is not None:
        from bench.cluster.driver import solve_on

        where["solving"] = solve_on(cluster)
    figures = evolve(
        run.recipe,
        rounds=arguments.rounds,
        work=run.work,
        publish=run.publish,
        beside=run.beside,
        **where,
    )
    _print_tables(_round_tables(figures, load_base(run.publish)))
    return 0


def _describe(run: _Run, rounds: int | None) -> int:
    """Print what `evolve` would do: from what, where it writes, and what of it is done."""
    from rstar_train.rounds.evolve import check_run
    from rstar_train.rounds.status import render

    count, base, pool = check_run(run.recipe, rounds=rounds, work=run.work, beside=run.beside)
    of = "" if count == len(run.recipe.rounds) else f" of {len(run.recipe.rounds)}"
    print(f"{count}{of} rounds from {base.name}, on a pool of {len(pool.problems):,} problems")
    print(f"stages write to {run.work}, checkpoints and figures go to {run.publish}")
    print(render(run.recipe, run.work))
    return 0


def _ablate(arguments: argparse.Namespace) -> int:
    from rstar_train.publishing.tables import ablation_tables
    from rstar_train.rounds.ablation import ablate

    run = _find_run(arguments)
    where = {"work": run.work, "publish": run.publish, "beside": run.beside}
    if run.recipe.system == "cpl":
        from rstar_train.publishing.cpl_tables import cpl_ablation_tables
        from rstar_train.rounds.cpl_ablation import ablate_preferences

        _print_tables(cpl_ablation_tables(ablate_preferences(run.recipe, **where)))
    else:
        _print_tables(ablation_tables(ablate(run.recipe, **where)))
    return 0


def _head(arguments: argparse.Namespace) -> int:
    from bench.checkpoints.checkpoint import find_checkpoint
    from rstar_train.figures import ScorerFigures
    from rstar_train.publishing.tables import head_table, scorers_table
    from rstar_train.rounds.heads import fit_head_on

    run = _find_run(arguments)
    policy = find_checkpoint(arguments.policy, "policy")
    found = fit_head_on(
        policy,
        run.recipe,
        problems=arguments.problems,
        samples=arguments.samples,
        work=arguments.work or run.work / f"head-of-{policy.name.rpartition('/')[2]}",
        out=arguments.out,
        beside=run.beside,
    )
    number = int(policy.lineage.get("round", 0))
    worth = scorers_table(ScorerFigures(number, {"head": found.worth}))
    _print_tables([head_table(found.rows, found.training), worth])
    print(f"\n{found.checkpoint.name}: --ppm {arguments.out} --ppm-engine invariant")
    return 0


def _find_run(arguments: argparse.Namespace) -> _Run:
    from rstar_train.recipes.recipe import load_recipe, recipe_path
    from rstar_train.recipes.tiny import shrink

    recipe = load_recipe(arguments.recipe)
    if arguments.tiny:
        recipe = shrink(recipe)
    work = arguments.work or Path("results/runs") / f"train-{recipe.name}"
    # A tiny run's checkpoints are of no use: they stay with the run.
    kept = work / "checkpoints" if arguments.tiny else Path("results/checkpoints")
    publish = getattr(arguments, "publish", None) or kept / recipe.checkpoints
    return _Run(recipe, work, publish, recipe_path(arguments.recipe).parent)


def _status(arguments: argparse.Namespace) -> int:
    from rstar_train.rounds.status import render, require_run

    run = _find_run(arguments)
    require_run(run.work)
    print(render(run.recipe, run.work))
    return 0


def _table(arguments: argparse.Namespace) -> int:
    from bench.checkpoints.checkpoint import PUBLISHED, checkpoints_dir
    from bench.files.outputs import check_output
    from rstar_train.publishing import cpl_tables, tables

    publish = arguments.checkpoints or checkpoints_dir() / PUBLISHED
    if arguments.plot is not None:
        check_output(arguments.plot)
    base = tables.load_base(publish)
    figures: Sequence[tables.RoundLike]
    if cpl_tables.is_cpl(publish):
        figures = cpl_tables.load_cpl_figures(publish)
        compared = cpl_tables.cpl_ablation_tables(cpl_tables.load_cpl_ablations(publish))
    else:
        figures = tables.load_figures(publish)
        compared = [tables.scorers_table(each) for each in tables.load_scorers(publish)]
        ablation = tables.load_ablation(publish)
        compared += [] if ablation is None else tables.ablation_tables(ablation)
    shown = _round_tables(figures, base)
    if again := tables.load_again(type(figures[0]), publish):
        shown.append(tables.seeds_table(figures, again))
    if arguments.families:
        shown += tables.family_tables(figures, base)
    _print_tables([*shown, *compared], markdown=arguments.markdown)
    if arguments.plot is not None:
        from bench.files.atomic import replace
        from rstar_train.publishing.plots import rounds_plot

        replace(arguments.plot, rounds_plot(figures, base))
        print(f"\ndrawn: {arguments.plot}")
    return 0


def _round_tables(figures: Sequence[Any], base: EvaluationFigures | None) -> list[TextTable]:
    """Return the tables of rounds, of whichever system they are."""
    from rstar_train.cpl_figures import CPLRoundFigures
    from rstar_train.publishing import cpl_tables, tables

    if isinstance(figures[0], CPLRoundFigures):
        return cpl_tables.cpl_round_tables(figures, base)
    return tables.round_tables(figures, base)


def _print_tables(shown: Sequence[TextTable], *, markdown: bool = False) -> None:
    print("\n\n".join(table.to_markdown() if markdown else table.to_text() for table in shown))


def _replay(arguments: argparse.Namespace) -> int:
    from rstar_train.official.replay import replay

    found = replay(arguments.trees, arguments.expected)
    for each in found:
        for difference in each.differences:
            print(f"{each.id}: {difference}")
    identical = sum(not each.differences for each in found)
    print(f"identical {identical} of {len(found)}")
    return 0 if identical == len(found) else 1


def _import(arguments: argparse.Namespace) -> int:
    from bench.files.outputs import check_output
    from rstar_train.rows.row import write_rows

    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in ("sft.jsonl", "pairs.jsonl"):
        given = (*(arguments.results or ()), arguments.sft, arguments.ppm)
        check_output(arguments.out / name, [file for file in given if file is not None])
    if arguments.results:
        from rstar_train.official.results import import_results

        print(json.dumps(import_results(arguments.results, arguments.out), indent=2))
    elif arguments.value_head:
        from rstar_train.official.value_head import convert_value_head

        print(json.dumps(convert_value_head(arguments.value_head, arguments.out), indent=2))
    else:
        from rstar_train.official.layouts import read_ppm, read_sft

        sft = arguments.sft is not None
        rows = read_sft(arguments.sft) if sft else read_ppm(arguments.ppm)
        file = arguments.out / ("sft.jsonl" if sft else "pairs.jsonl")
        write_rows(rows, file)
        print(f"{len(rows)} rows: {file}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from rstar_train.official.layouts import write_ppm, write_sft
    from rstar_train.rows.row import PairRow, SFTRow, read_rows

    arguments.out.mkdir(parents=True, exist_ok=True)
    solutions = read_rows(SFTRow, arguments.rows / "sft.jsonl")
    pairs = read_rows(PairRow, arguments.rows / "pairs.jsonl")
    write_sft(solutions, arguments.out / "rstar_sft.json")
    write_ppm(pairs, arguments.out / "rstar_ppm.json")
    print(f"{len(solutions)} solutions and {len(pairs)} pairs: {arguments.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
