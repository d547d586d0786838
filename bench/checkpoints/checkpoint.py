"""Policies and PPMs by name or folder: the embedded model, adapters, and full weights.

What `rstar-train` publishes has a `lineage.json`, which names its kind (policy or ppm) and what it
was trained from. It is a LoRA adapter on another checkpoint, or full weights. Any other language
model is a policy as well: a Hugging Face folder, or a model of the hub. Making weights that an
engine can load is `bench.checkpoints.weights`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from bench.checkpoints import embedded, hub
from bench.checkpoints.ppm_config import is_own
from bench.checkpoints.reward import RewardContract, find_reading
from bench.errors import CheckpointError, UnknownNameError
from bench.files.digests import SHORT, short_digest
from bench.files.lines import decode
from bench.files.shipped import find_shipped, is_checkout
from bench.variables import read_variable

EMBEDDED = "smollm2"
"""The name of the embedded model, before any training."""
VARIABLE = "RSTAR_BENCH_CHECKPOINTS"
"""Environment variable: the folder of the published rounds."""
PUBLISHED = "smollm2-135m"
"""Folder of its rounds under `results/checkpoints`; those of another recipe have a suffix."""
HEAD = "-head"
"""What follows `ppm`, and its round's name, where nothing but a head on the policy was trained."""
LINEAGE = "lineage.json"
ADAPTER = "adapter_model.safetensors"
WEIGHTS = "*.safetensors"
"""Weight files of a Hugging Face folder."""
UNTRAINED = "few-shot"
"""Prompt template of a model that was never trained on ours."""

Kind = Literal["policy", "ppm"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A policy or PPM: its name, and the folder of its adapter or of its full weights."""

    name: str
    kind: Kind
    folder: Path | None
    """None for the embedded model, and for one that only a server has."""
    lineage: Mapping[str, Any]

    @property
    def template(self) -> str:
        """Name of the prompt template the checkpoint was trained with."""
        return str(self.lineage.get("template", UNTRAINED))

    def prompted(self, template: str) -> Checkpoint:
        """Return the same weights asked in another prompt template."""
        return replace(self, lineage={**self.lineage, "template": template})

    @property
    def is_served(self) -> bool:
        """Whether a server holds its weights; those of a folder here have the same name alone."""
        return bool(self.lineage.get("served"))

    @property
    def adapter(self) -> Path | None:
        """The folder, where an adapter is in it; None for full weights."""
        folder = self.folder
        return folder if folder is not None and (folder / ADAPTER).is_file() else None

    @property
    def parent(self) -> Checkpoint | None:
        """What an adapter was trained on top of; None for full weights. Raises CheckpointError."""
        if self.adapter is None:
            return None
        parent = str(self.lineage["parent"])
        folder = (self.adapter / parent).resolve()
        if parent == EMBEDDED or hub.is_name(parent) and not folder.is_dir():
            return find_checkpoint(parent, "policy")
        return read_checkpoint(folder, "policy")

    @property
    def digest(self) -> str:
        """First 16 hex digits of a SHA-256 over the weights, of an adapter's whole chain.

        Of a served model, whose weights nobody here sees, over its name.
        """
        if self.is_served:
            return hashlib.sha256(f"served:{self.name}".encode()).hexdigest()[:SHORT]
        if self.folder is None:
            return embedded.SHA256[:SHORT]
        if self.parent is not None:
            hasher = hashlib.sha256(self.parent.digest.encode())
            hasher.update((self.folder / ADAPTER).read_bytes())
            return hasher.hexdigest()[:SHORT]
        hasher = hashlib.sha256((self.folder / "config.json").read_bytes())
        for file in sorted(self.folder.glob(WEIGHTS)):
            stat = file.stat()
            hasher.update(_file_digest(file, stat.st_size, stat.st_mtime_ns))
        return hasher.hexdigest()[:SHORT]

    def seen_from(self, folder: Path) -> str:
        """Return what a checkpoint in `folder` calls this one: a name, or a relative path."""
        if self.folder is None or "hub" in self.lineage:
            return self.name
        return os.path.relpath(self.folder.resolve(), folder.resolve())


@lru_cache
def _file_digest(file: Path, size: int, changed: int) -> bytes:
    """Return a file's SHA-256, read once for a size and a time of change: it may be gigabytes."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def checkpoints_dir() -> Path:
    """Return RSTAR_BENCH_CHECKPOINTS, else the project's `results/checkpoints`."""
    given = read_variable(VARIABLE)
    return Path(given) if given else find_shipped("results", "checkpoints")


def _list_folders() -> list[Path]:
    """Return the folders whose rounds have names.

    Outside a checkout `rstar-train` publishes below the current directory; rounds there have names
    beside those that were installed.
    """
    own = checkpoints_dir()
    if is_checkout() or read_variable(VARIABLE):
        return [own]
    return [own, Path("results") / "checkpoints"]


def name_of_round(folder: str, number: int) -> str | None:
    """Return what round `number` in a folder of `results/checkpoints` is called; None: no name.

    Round 1 in `smollm2-135m` is `smollm2-r1`, in `smollm2-135m-gsm8k` it is `smollm2-gsm8k-r1`.
    """
    suffix = folder.removeprefix(PUBLISHED)
    if suffix == folder or (suffix and not suffix.startswith("-")):
        return None
    return f"{EMBEDDED}{suffix}-r{number}"


def published_checkpoints(kind: Kind) -> dict[str, Path]:
    """Return the published checkpoints of a kind by name, newest last.

    Those of `PUBLISHED` itself, which are taken where nobody named one, come after all others, and
    a round's second PPM, which is a head on its policy, before them.
    """
    rounds = []
    pattern = f"{PUBLISHED}*/round-*/{kind}*/{LINEAGE}"
    for lineage in (found for folder in _list_folders() for found in folder.glob(pattern)):
        folder = lineage.parent
        suffix = folder.name.removeprefix(kind)
        if suffix not in ("", HEAD):
            continue
        family = folder.parent.parent.name
        number = folder.parent.name.removeprefix("round-")
        name = name_of_round(family, int(number)) if number.isdigit() else None
        if name is not None:
            order = suffix != HEAD, family == PUBLISHED, family, int(number)
            rounds.append((*order, f"{name}{suffix}", folder))
    return {name: folder for *_, name, folder in sorted(rounds)}


def newest_policy() -> Checkpoint:
    """Return the newest published policy, or the embedded model where none is published."""
    return find_checkpoint([EMBEDDED, *published_checkpoints("policy")][-1], "policy")


def default_ppm(policy: Checkpoint) -> Checkpoint | None:
    """Return the PPM of the policy's own round, else the newest published; None: there is none.

    A round's PPM starts from its policy, and the round's evaluation is of the two together.
    """
    named = published_checkpoints("ppm")
    if policy.folder is not None:
        beside = policy.folder.resolve().parent / "ppm"
        if (beside / LINEAGE).is_file():
            names = [name for name, folder in named.items() if folder.resolve() == beside]
            return find_checkpoint(names[0] if names else str(beside), "ppm")
    return find_checkpoint([*named][-1], "ppm") if named else None


def find_checkpoint(name: str, kind: Kind) -> Checkpoint:
    """Return the checkpoint called `name`: published, or in that folder, or a model of the hub.

    A published one may be named without its base: `dial-r4` is `smollm2-dial-r4`. A model of the
    hub is downloaded. Raises UnknownNameError, CheckpointError, MissingExtraError.
    """
    if name == EMBEDDED and kind == "policy":
        return Checkpoint(EMBEDDED, "policy", None, {"template": UNTRAINED})
    named = published_checkpoints(kind)
    for published in (name, f"{EMBEDDED}-{name}"):
        if published in named:
            return replace(read_checkpoint(named[published], kind), name=published)
    if name and Path(name).is_dir():
        return read_checkpoint(Path(name), kind)
    if hub.is_name(name):
        found = read_checkpoint(hub.download(name), kind, name=name)
        return replace(found, name=name, lineage={**found.lineage, "hub": name})
    if os.sep in name:
        raise CheckpointError(
            f"no checkpoint folder {name!r}; expected one that rstar-train wrote, or a Hugging "
            "Face model folder"
        )
    names = [*named, EMBEDDED] if kind == "policy" else list(named)
    raise UnknownNameError("policy" if kind == "policy" else "PPM", name, names)


def served_checkpoint(name: str) -> Checkpoint:
    """Return the policy that a server holds under a name.

    Where a round is published here under that name, it is asked in that round's template.
    """
    folder = published_checkpoints("policy").get(name)
    if folder is None:
        return Checkpoint(name, "policy", None, {"template": UNTRAINED, "served": True})
    found = read_checkpoint(folder, "policy")
    return replace(found, name=name, lineage={**found.lineage, "served": True})


def read_checkpoint(folder: Path, kind: Kind, *, name: str = "") -> Checkpoint:
    """Read a checkpoint folder; `name` is what the hub calls it, if it is from there.

    Raises CheckpointError: a file is missing, or of another kind; or nothing says how a reward
    model is read.
    """
    lineage = _lineage(folder, kind)
    found = Checkpoint(str(lineage.get("name", folder.resolve().name)), kind, folder, lineage)
    if found.adapter is not None:
        needed = [LINEAGE, "adapter_config.json"]  # without a lineage nobody knows its parent
    elif "parent" in lineage and not any(folder.glob(WEIGHTS)):
        needed = [ADAPTER]  # more often than whole weights
    else:
        needed = ["config.json", WEIGHTS]
    for file in needed:
        if not any(folder.glob(file)):
            raise CheckpointError(
                f"{folder} is not a checkpoint: no {file}. Expected what rstar-train wrote, or "
                + (
                    "a Hugging Face folder with config.json, safetensors and tokenizer"
                    if kind == "policy"
                    else "a reward model: of rstar-train, of the hub, or with a reward.json"
                )
            )
    if kind == "ppm" and found.adapter is None and not is_own(folder):
        find_reading(folder, name or found.name)
    return found


def describe_reading(ppm: Checkpoint) -> dict[str, str]:
    """Return what of a PPM's reading decides its scores, beside its weights, as a digest.

    That of one of ours was trained with its weights, and goes with them; another's is written by
    hand, or known here. How scores are aggregated is told by itself.
    """
    assert ppm.folder is not None, "a PPM has a folder"
    reading = find_reading(ppm.folder, ppm.name)
    if not isinstance(reading, RewardContract):
        return {}
    values = {name: value for name, value in asdict(reading).items() if name != "aggregate"}
    return {"reading": short_digest(json.dumps(values, sort_keys=True).encode())}


def _lineage(folder: Path, kind: Kind) -> dict[str, Any]:
    if not (folder / LINEAGE).is_file():
        return {"kind": kind}
    try:
        lineage = dict(decode((folder / LINEAGE).read_bytes()))
        found, _ = lineage["kind"], lineage["parent"]
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{folder}/{LINEAGE} is damaged ({type(error).__name__}: {error}); expected an "
            'object with "kind" and "parent". Restore it, or train the checkpoint again'
        ) from error
    if found != kind:
        raise CheckpointError(f"{folder} holds a {found}, a {kind} was expected")
    return lineage
