"""From a name or a folder to weights: the embedded model, and adapters trained from it.

A published checkpoint is a LoRA adapter with a `lineage.json` beside it, which names its kind
(policy or ppm) and its parent. Before use, the chain of adapters is merged into full weights,
once, in a cache folder named by the digest of everything that went in: a Hugging Face folder, and
for a policy a GGUF too.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.engines import embedded
from bench.errors import CheckpointError, UnknownNameError

EMBEDDED = "smollm2"
"""The name of the embedded model, before any training."""

Kind = Literal["policy", "ppm"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A policy or PPM: its name, and either an adapter folder or the embedded model."""

    name: str
    kind: Kind
    adapter: Path | None
    """None for the embedded model."""
    lineage: Mapping[str, Any]

    @property
    def template(self) -> str:
        """Name of the prompt template the checkpoint was trained with."""
        return str(self.lineage.get("template", "few-shot"))

    @property
    def parent(self) -> Checkpoint | None:
        """The checkpoint that the adapter was trained on top of; None for the embedded model."""
        if self.adapter is None:
            return None
        parent = str(self.lineage["parent"])
        if parent == EMBEDDED:
            return _embedded()
        return load_lineage((self.adapter / parent).resolve(), "policy")

    @property
    def digest(self) -> str:
        """First 16 hex digits of a SHA-256 over the weights of the whole chain."""
        if self.adapter is None:
            return embedded.SHA256[:16]
        assert self.parent is not None
        hasher = hashlib.sha256(self.parent.digest.encode())
        hasher.update((self.adapter / "adapter_model.safetensors").read_bytes())
        return hasher.hexdigest()[:16]


def _embedded() -> Checkpoint:
    return Checkpoint(EMBEDDED, "policy", None, {"template": "few-shot"})


def checkpoints_dir() -> Path:
    """Return RSTAR_CHECKPOINTS, else the project's `results/checkpoints`."""
    given = os.environ.get("RSTAR_CHECKPOINTS")
    if given:
        return Path(given)
    return Path(__file__).resolve().parents[2] / "results" / "checkpoints"


def cache_dir() -> Path:
    """Where merged weights are kept: RSTAR_BENCH_CACHE, else the user's cache folder."""
    given = os.environ.get("RSTAR_BENCH_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(base) / "rstar-bench"


def known(kind: Kind) -> dict[str, Path]:
    """Return the published checkpoints of a kind, e.g. `smollm2-r1` for round 1, newest last."""
    rounds = {}
    for lineage in checkpoints_dir().glob(f"smollm2-135m/round-*/{kind}/lineage.json"):
        number = lineage.parent.parent.name.removeprefix("round-")
        if number.isdigit():
            rounds[int(number)] = lineage.parent
    return {f"{EMBEDDED}-r{number}": rounds[number] for number in sorted(rounds)}


def newest_policy() -> Checkpoint:
    """Return the newest published policy, or the embedded model where none is published."""
    return find([EMBEDDED, *known("policy")][-1], "policy")


def find(name: str, kind: Kind) -> Checkpoint:
    """Return the checkpoint called `name`, or the adapter folder at that path.

    Raises UnknownNameError, CheckpointError.
    """
    if name == EMBEDDED and kind == "policy":
        return _embedded()
    named = known(kind)
    if name in named:
        return load_lineage(named[name], kind, name=name)
    if Path(name).is_dir():
        return load_lineage(Path(name), kind)
    if os.sep in name:
        raise CheckpointError(
            f"no checkpoint folder {name!r}; expected one with a lineage.json in it"
        )
    names = [*named, EMBEDDED] if kind == "policy" else list(named)
    raise UnknownNameError("policy" if kind == "policy" else "PPM", name, names)


def load_lineage(folder: Path, kind: Kind, *, name: str | None = None) -> Checkpoint:
    """Read a checkpoint folder. Raises CheckpointError: a file is missing, or of another kind."""
    for needed in ("lineage.json", "adapter_model.safetensors", "adapter_config.json"):
        if not (folder / needed).is_file():
            raise CheckpointError(
                f"{folder} is not a checkpoint: no {needed}. Expected one that rstar-train wrote"
            )
    try:
        lineage = dict(json.loads((folder / "lineage.json").read_text()))
        found, _ = lineage["kind"], lineage["parent"]
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{folder}/lineage.json is damaged ({type(error).__name__}: {error}); expected an "
            'object with "kind" and "parent". Restore it, or train the checkpoint again'
        ) from error
    if found != kind:
        raise CheckpointError(f"{folder} holds a {found}, a {kind} was expected")
    return Checkpoint(name or str(lineage.get("name", folder.name)), kind, folder, lineage)


def merged(checkpoint: Checkpoint) -> Path:
    """Return a folder with full Hugging Face weights and tokenizer; made once, then cached."""
    from bench.engines.merging import save_embedded, save_merged

    folder = cache_dir() / f"{checkpoint.name.replace(os.sep, '_')}-{checkpoint.digest}"
    if (folder / "config.json").is_file():
        return folder
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    partial.mkdir(parents=True, exist_ok=True)
    try:
        if checkpoint.adapter is None:
            save_embedded(embedded.gguf_path(), partial)
        else:
            assert checkpoint.parent is not None
            save_merged(checkpoint.kind, merged(checkpoint.parent), checkpoint.adapter, partial)
        partial.rename(folder)
    except OSError:
        # Where another process was faster, its folder is as good as ours.
        if not (folder / "config.json").is_file():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def gguf(checkpoint: Checkpoint) -> Path:
    """Return a GGUF file of a policy: the embedded one itself, or the merged weights as F16."""
    if checkpoint.adapter is None:
        return embedded.gguf_path()
    folder = merged(checkpoint)
    out = folder / "policy-f16.gguf"
    if not out.is_file():
        from bench.engines.merging import export_gguf

        export_gguf(folder, like=embedded.gguf_path(), out=out)
    return out


def parameters(checkpoint: Checkpoint) -> int:
    """Return how many parameters a checkpoint has; a PPM's head, a vector, is left out.

    Every checkpoint is adapters on the embedded model, and merging adds none.
    """
    return embedded.PARAMETERS
