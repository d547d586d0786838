"""One round of self-evolution: search, rows, policy SFT, PPM, evaluation.

Round 1 only, so far: terminal-guided search with the demonstrator, since the embedded model cannot
bootstrap itself. The published folder holds two adapters, each with a `lineage.json`: what it was
trained from, on which data, with which figures.
"""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.engines.checkpoints import Kind, find, load_lineage, merged
from bench.engines.ppm import PPMConfig
from bench.errors import BenchError
from bench.prompts import OFFICIAL
from bench.provenance import git_state, package_versions
from rstar_train.evaluation import evaluate
from rstar_train.ppm import pair_accuracy, train_ppm
from rstar_train.recipe import Recipe
from rstar_train.rows import PairRow, SFTRow
from rstar_train.sft import train_policy
from rstar_train.stages import file_digest, make_rows, pool, read_rows, search_round_1, staged

log = logging.getLogger(__name__)


def evolve(recipe: Recipe, *, rounds: int, work: Path, publish: Path) -> Mapping[str, Any]:
    """Run the rounds of a recipe, resuming what is there; return the figures of the last.

    Args:
        recipe: every number of the run.
        rounds: how many; 1 is what exists.
        work: where the stages write.
        publish: where `round-1/policy` and `round-1/ppm` go.

    Raises:
        BenchError: more rounds than exist, no solved problem, no pairs.
    """
    if rounds != 1:
        raise BenchError(
            f"{rounds} rounds were asked for; only round 1 is built so far: --rounds 1"
        )
    folder = work / "round-1"
    problems = pool(recipe)
    split = len(problems) - recipe.pool.held_out
    base = find(recipe.base, "policy")
    trees = folder / "search" / "trees"
    figures: dict[str, Any] = {}

    searched = {"recipe": recipe.digest("pool", "search")}
    figures["search"] = staged(
        folder / "search",
        searched,
        lambda: asyncio.run(search_round_1(problems, recipe, trees)),
    )
    for name, part in (("rows", problems[:split]), ("held_out_rows", problems[split:])):
        figures[name] = staged(
            folder / name, searched, partial(make_rows, part, trees, folder / name)
        )

    sft_file = folder / "rows" / "sft.jsonl"
    sft_inputs = {
        "recipe": recipe.digest("lora", "sft"),
        "parent": base.digest,
        "data": file_digest(sft_file),
    }
    figures["sft"] = staged(
        folder / "policy",
        sft_inputs,
        lambda: train_policy(read_rows(SFTRow, sft_file), recipe, merged(base), folder / "policy"),
    )
    policy_lineage = _lineage(recipe, "policy", base.name, sft_inputs, figures["sft"])
    policy = load_lineage(
        _publish(folder / "policy", publish / "round-1" / "policy", policy_lineage), "policy"
    )

    pair_file, held_out = folder / "rows" / "pairs.jsonl", folder / "held_out_rows" / "pairs.jsonl"
    ppm_inputs = {
        "recipe": recipe.digest("lora", "ppm"),
        "parent": policy.digest,
        "data": file_digest(pair_file),
    }
    figures["ppm"] = staged(
        folder / "ppm",
        ppm_inputs,
        lambda: train_ppm(read_rows(PairRow, pair_file), recipe, merged(policy), folder / "ppm"),
    )
    PPMConfig(OFFICIAL.name, OFFICIAL.digest).save(folder / "ppm")
    ppm_lineage = _lineage(recipe, "ppm", "../policy", ppm_inputs, figures["ppm"])
    ppm = load_lineage(_publish(folder / "ppm", publish / "round-1" / "ppm", ppm_lineage), "ppm")

    figures["pair_accuracy"] = staged(
        folder / "pair_accuracy",
        {"ppm": ppm.digest, "held_out": file_digest(held_out)},
        lambda: pair_accuracy(read_rows(PairRow, held_out), recipe, merged(ppm)),
    )
    evaluated = {"recipe": recipe.digest("evaluation"), "policy": policy.digest}
    figures["evaluation"] = staged(
        folder / "evaluation",
        evaluated,
        lambda: evaluate(base, policy, recipe, folder / "evaluation"),
    )
    (publish / "round-1" / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    return figures


def _lineage(
    recipe: Recipe, kind: Kind, parent: str, inputs: Mapping[str, Any], figures: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "name": f"{recipe.base}-r1",
        "kind": kind,
        "parent": parent,
        "round": 1,
        "recipe": recipe.name,
        "template": OFFICIAL.name,
        "searcher": "rule-based demonstrator, on " + ", ".join(recipe.pool.families),
        "inputs": inputs,
        "figures": figures,
        "published_by": {"git": git_state(Path(__file__).parent), "packages": package_versions()},
    }


def _publish(adapter: Path, out: Path, lineage: Mapping[str, Any]) -> Path:
    """Copy what a checkpoint needs, and its loss curve, to where the harness looks for it."""
    out.mkdir(parents=True, exist_ok=True)
    for name in ("adapter_model.safetensors", "adapter_config.json", "ppm.json", "loss.jsonl"):
        if (adapter / name).is_file():
            shutil.copyfile(adapter / name, out / name)
    # The adapter's config names the folder it was trained from, which is this machine's business.
    config = json.loads((out / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = lineage["parent"]
    (out / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (out / "lineage.json").write_text(json.dumps(lineage, indent=2) + "\n")
    log.info("published %s", out)
    return out
