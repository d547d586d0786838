"""A trained adapter or model as a checkpoint that the harness finds: weights, loss, lineage.

What a checkpoint was made from is in its `lineage.json`; the page for readers, its model card, is
`rstar_train.publishing.cards`.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

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
from bench.checkpoints.ppm_config import REWARD
from bench.errors import BenchError
from bench.files.atomic import replace_json
from bench.prompts import OFFICIAL
from rstar_train.figures import Json
from rstar_train.recipes.recipe import Recipe
from rstar_train.recipes.settings import LoRASettings

log = logging.getLogger(__name__)

_ADAPTED = (ADAPTER, "adapter_config.json", REWARD, "loss.jsonl")
"""What is published of an adapter; its tokenizer is its parent's."""
_NOT_FULL = (ADAPTER, "adapter_config.json")
"""What is not published of a whole model: what another recipe may have left there."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a checkpoint comes from."""

    name: str
    kind: Kind
    parent: Checkpoint
    """What its training started from."""
    round: int
    recipe: str
    searcher: Mapping[str, str | Mapping[str, str]]
    """Who found what it was trained on."""
    annotation: str
    """How Q was made there."""
    inputs: Mapping[str, str]
    """Digests of everything that decided the training."""
    figures: Json
    trained_by: Json
    """Code, packages and time of the training."""
    template: str = OFFICIAL.name
    """What its prompts are in."""

    def to_json(self, out: Path) -> dict[str, object]:
        """Return what `lineage.json` in the folder `out` says."""
        return {
            "name": self.name,
            "kind": self.kind,
            "parent": self.parent.seen_from(out),
            "round": self.round,
            "recipe": self.recipe,
            "template": self.template,
            "searcher": self.searcher,
            "annotation": self.annotation,
            "inputs": self.inputs,
            "figures": self.figures,
            "trained_by": self.trained_by,
        }


def round_name(recipe: Recipe, number: int) -> str:
    """Return what a round's checkpoints are called.

    Where the harness finds published rounds by name, that name; else the base's name without its
    folders, `-rK`.
    """
    named = name_of_round(recipe.checkpoints, number) if recipe.base == EMBEDDED else None
    return named or f"{recipe.base.rstrip('/').rpartition('/')[2].partition('@')[0]}-r{number}"


def weights_file(lora: LoRASettings) -> str:
    """Return the file that a training writes last: an adapter, or a whole model's configuration."""
    return ADAPTER if lora.rank else "config.json"


def publish(
    trained: Path, out: Path, lineage: Lineage, *, lora: LoRASettings, leave_out: Collection[str]
) -> Checkpoint:
    """Copy what a checkpoint needs to `out`, with its lineage, and return it.

    `out` may be the folder `trained` itself, which then becomes a checkpoint where it is.
    `lora` says whether an adapter was trained; of a whole model, `leave_out` names files that are
    no part of it. Publishing again what is published changes nothing. Raises BenchError where the
    machine refuses.
    """
    try:
        _publish(trained, out, lineage, lora=lora, leave_out=leave_out)
    except OSError as error:
        raise BenchError(
            f"cannot publish {out}: {error.strerror}. What was trained is intact; repeat the "
            "command once the cause is gone"
        ) from error
    log.info("published %s", out)
    return read_checkpoint(out, lineage.kind)


def _publish(
    trained: Path, out: Path, lineage: Lineage, *, lora: LoRASettings, leave_out: Collection[str]
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    adapts = lora.rank > 0
    files = [
        file
        for file in trained.iterdir()
        if file.is_file()
        and (file.name in _ADAPTED if adapts else file.name not in (*_NOT_FULL, *leave_out))
    ]
    published = {file.name for file in files}
    if not any(file.match(WEIGHTS) for file in files):
        raise BenchError(
            f"{trained} holds no weights to publish, and {out} keeps what it has. Was a file "
            "removed there? Remove the folder, and repeat the command to train it again"
        )
    for file in (*out.glob(WEIGHTS), out / "adapter_config.json"):
        if file.name not in published:
            file.unlink(missing_ok=True)  # what was published here before took another form
    for file in files:
        _copy(file, out / file.name)
    if adapts:
        # Its config names the folder it was trained from, which is this machine's business.
        config = json.loads((out / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = lineage.parent.seen_from(out)
        replace_json(out / "adapter_config.json", config)
    replace_json(out / LINEAGE, lineage.to_json(out))


def _copy(file: Path, to: Path) -> None:
    """Copy a file whole or not at all; gigabytes of weights are linked where they can be."""
    partial = to.with_name(f"{to.name}.new")
    partial.unlink(missing_ok=True)
    if to.exists() and to.samefile(file):
        return  # one file with two names, and renaming one to the other would leave both
    try:
        if not (file.match(WEIGHTS) and _link(file, partial)):
            shutil.copyfile(file, partial)  # so that an edit of one leaves the other alone
        partial.replace(to)
    finally:
        partial.unlink(missing_ok=True)


def _link(file: Path, to: Path) -> bool:
    """Give a file a second name; False where the file system cannot."""
    try:
        os.link(file, to)
    except OSError:
        return False
    return True
