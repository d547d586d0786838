"""A trained adapter or model as a checkpoint that the harness finds: weights, loss, lineage.

What a checkpoint was made from is in its `lineage.json`; the page for readers, its model card, is
`rstar_train.publishing.cards`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.checkpoints.checkpoint import (
    ADAPTER,
    EMBEDDED,
    LINEAGE,
    WEIGHTS,
    Checkpoint,
    Kind,
    name_of_round,
    read_checkpoint,
)
from bench.files.atomic import replace
from bench.prompts import OFFICIAL
from bench.runs.header import git_state, package_versions
from rstar_train.recipes.recipe import Recipe
from rstar_train.rounds.stages import MANIFEST, manifest_of

log = logging.getLogger(__name__)

_ADAPTED = (ADAPTER, "adapter_config.json", "ppm.json", "loss.jsonl")
"""What is published of an adapter; its tokenizer is its parent's."""
_NOT_FULL = (ADAPTER, "adapter_config.json", MANIFEST)
"""What is not published of a whole model: what another recipe may have left there, and our own."""


def round_name(recipe: Recipe, number: int) -> str:
    """Return what a round's checkpoints are called.

    Where the harness finds published rounds by name, that name; else the base's name without its
    folders, `-rK`.
    """
    named = name_of_round(recipe.checkpoints, number) if recipe.base == EMBEDDED else None
    return named or f"{recipe.base.rstrip('/').rpartition('/')[2].partition('@')[0]}-r{number}"


def weights_file(recipe: Recipe) -> str:
    """Return the file that a training writes last: an adapter, or a whole model's configuration."""
    return ADAPTER if recipe.lora.rank else "config.json"


def publish(
    trained: Path,
    out: Path,
    *,
    recipe: Recipe,
    kind: Kind,
    number: int,
    parent: Checkpoint,
    searcher: Mapping[str, Any],
    inputs: Mapping[str, Any],
    figures: Mapping[str, Any],
    name: str | None = None,
) -> Checkpoint:
    """Copy what a checkpoint needs to `out`, with its lineage, and return it.

    `name` is `round_name` unless given. Publishing again what is published changes nothing.
    """
    out.mkdir(parents=True, exist_ok=True)
    is_adapter = recipe.lora.rank > 0
    files = [
        file
        for file in trained.iterdir()
        if file.is_file() and (file.name in _ADAPTED if is_adapter else file.name not in _NOT_FULL)
    ]
    published = {file.name for file in files}
    for file in (*out.glob(WEIGHTS), out / "adapter_config.json"):
        if file.name not in published:
            file.unlink(missing_ok=True)  # what was published here before took another form
    for file in files:
        _copy(file, out / file.name)
    called = parent.seen_from(out)
    if is_adapter:
        # Its config names the folder it was trained from, which is this machine's business.
        config = json.loads((out / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = called
        replace(out / "adapter_config.json", _pretty(config))
    lineage = {
        "name": name or round_name(recipe, number),
        "kind": kind,
        "parent": called,
        "round": number,
        "recipe": recipe.name,
        "template": OFFICIAL.name,
        "searcher": searcher,
        "annotation": recipe.search.annotation,
        "inputs": inputs,
        "figures": figures,
        "trained_by": _trained_by(trained),
    }
    replace(out / LINEAGE, _pretty(lineage))
    log.info("published %s", out)
    return read_checkpoint(out, kind)


def _trained_by(trained: Path) -> dict[str, Any]:
    """Return the code that trained, which on a resume is not the code that publishes."""
    stored = manifest_of(trained)
    if stored is None:  # trained outside the stages of a run
        return {"git": git_state(Path(__file__).parent), "packages": package_versions()}
    return {key: stored[key] for key in ("git", "packages", "finished")}


def _copy(file: Path, to: Path) -> None:
    """Copy a file whole or not at all; gigabytes of weights are linked where they can be."""
    partial = to.with_name(f"{to.name}.new")
    partial.unlink(missing_ok=True)
    if to.exists() and to.samefile(file):
        return  # one file with two names, and renaming one to the other would leave both
    try:
        if not file.match(WEIGHTS):
            raise OSError("small, and copied so that an edit of one leaves the other alone")
        os.link(file, partial)
    except OSError:
        shutil.copyfile(file, partial)
    partial.replace(to)


def _pretty(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2) + "\n").encode()
