"""A trained adapter as a checkpoint that the harness finds: weights, loss curve, lineage.

What a checkpoint was made from is in its `lineage.json`; the page for readers, its model card, is
`rstar_train.cards`.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.atomic import replace
from bench.engines.checkpoints import Checkpoint, Kind, load_lineage
from bench.prompts import OFFICIAL
from bench.provenance import git_state, package_versions
from rstar_train.recipe import Recipe

log = logging.getLogger(__name__)

ADAPTER = "adapter_model.safetensors"
FILES = (ADAPTER, "adapter_config.json", "ppm.json", "loss.jsonl")


def publish(
    adapter: Path,
    out: Path,
    *,
    recipe: Recipe,
    kind: Kind,
    number: int,
    parent: str,
    searcher: Mapping[str, Any],
    inputs: Mapping[str, Any],
    figures: Mapping[str, Any],
    name: str | None = None,
) -> Checkpoint:
    """Copy what a checkpoint needs to `out`, with its lineage, and return it.

    `parent` is the base model's name, or the path of another checkpoint relative to `out`; `name`
    is the base's and the round's unless given.
    """
    out.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        if (adapter / file).is_file():
            partial = out / f"{file}.new"
            shutil.copyfile(adapter / file, partial)
            partial.replace(out / file)
    # The adapter's config names the folder it was trained from, which is this machine's business.
    config = json.loads((out / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = parent
    replace(out / "adapter_config.json", _pretty(config))
    lineage = {
        "name": name or f"{recipe.base}-r{number}",
        "kind": kind,
        "parent": parent,
        "round": number,
        "recipe": recipe.name,
        "template": OFFICIAL.name,
        "searcher": searcher,
        "annotation": recipe.search.annotation,
        "inputs": inputs,
        "figures": figures,
        "published_by": {"git": git_state(Path(__file__).parent), "packages": package_versions()},
    }
    replace(out / "lineage.json", _pretty(lineage))
    log.info("published %s", out)
    return load_lineage(out, kind)


def _pretty(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()
