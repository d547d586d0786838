"""Weights that an engine can load, out of a checkpoint.

Full weights are used where they lie. A chain of adapters is merged into full weights once, in a
cache folder named by the digest of everything that went in: a Hugging Face folder, and for a policy
that was trained from the embedded model a GGUF too.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from math import prod
from pathlib import Path
from typing import Any

from bench.checkpoints import embedded
from bench.checkpoints.checkpoint import EMBEDDED, WEIGHTS, Checkpoint
from bench.errors import CheckpointError
from bench.files.digests import SHORT, short_digest

GGUF = "policy-f16.gguf"


def cache_dir() -> Path:
    """Return where merged weights are kept: RSTAR_BENCH_CACHE, else the user's cache folder."""
    given = os.environ.get("RSTAR_BENCH_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(base) / "rstar-bench"


def full_weights(checkpoint: Checkpoint) -> Path:
    """Return a folder with full Hugging Face weights and tokenizer; an adapter is merged once."""
    from bench.checkpoints.merging import save_embedded, save_merged

    if checkpoint.folder is not None and checkpoint.adapter is None:
        return checkpoint.folder
    folder = _cached(checkpoint)
    if (folder / "config.json").is_file():
        return folder
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    partial.mkdir(parents=True, exist_ok=True)
    try:
        if checkpoint.adapter is None:
            save_embedded(embedded.gguf_path(), partial)
        else:
            assert checkpoint.parent is not None
            save_merged(
                checkpoint.kind, full_weights(checkpoint.parent), checkpoint.adapter, partial
            )
        partial.rename(folder)
    except OSError:
        # Where another process was faster, its folder is as good as ours.
        if not (folder / "config.json").is_file():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _cached(checkpoint: Checkpoint) -> Path:
    return cache_dir() / f"{checkpoint.name.replace(os.sep, '_')}-{checkpoint.digest}"


def has_gguf(checkpoint: Checkpoint) -> bool:
    """Whether `gguf` can write the policy: its lineage begins with the embedded model.

    A shape alone would not do: the GGUF's metadata, tokenizer included, is the embedded model's.
    """
    while checkpoint.parent is not None:
        checkpoint = checkpoint.parent
    return checkpoint.folder is None or checkpoint.lineage.get("parent") == EMBEDDED


def require_gguf(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError where `gguf` cannot write the policy."""
    if not has_gguf(checkpoint):
        raise CheckpointError(
            f"the policy {checkpoint.name!r} is no descendant of the embedded model, and OpenVINO "
            "runs no others here; choose the engine vllm, or transformers"
        )


def tokenizer_digest(checkpoint: Checkpoint) -> str | None:
    """Return what tells tokenizers apart: a digest of the file; None where there is none to see.

    A descendant of the embedded model has the embedded model's, which its own file holds too.
    """
    while checkpoint.parent is not None:
        checkpoint = checkpoint.parent
    if checkpoint.folder is None or checkpoint.lineage.get("parent") == EMBEDDED:
        return embedded.SHA256[:SHORT]
    file = checkpoint.folder / "tokenizer.json"
    return short_digest(file.read_bytes()) if file.is_file() else None


def gguf(checkpoint: Checkpoint) -> Path:
    """Return a GGUF file of a policy: the embedded one itself, or full weights as F16.

    Raises CheckpointError: the policy is another model's descendant.
    """
    if checkpoint.folder is None:
        return embedded.gguf_path()
    require_gguf(checkpoint)
    # The cache keeps it beside merged weights; a folder that is not ours is not written to.
    out = _cached(checkpoint) / GGUF
    if not out.is_file():
        from bench.checkpoints.merging import export_gguf

        folder = full_weights(checkpoint)
        out.parent.mkdir(parents=True, exist_ok=True)
        export_gguf(folder, like=embedded.gguf_path(), out=out)
    return out


def parameters(checkpoint: Checkpoint) -> int:
    """Return how many parameters a checkpoint has: merging adds none, and a PPM's head counts not.

    Raises CheckpointError: the weights cannot be read.
    """
    while checkpoint.parent is not None:
        checkpoint = checkpoint.parent
    if checkpoint.folder is None:
        return embedded.PARAMETERS
    files = sorted(checkpoint.folder.glob(WEIGHTS))
    counted = {name: size for file in files for name, size in _sizes(file).items()}
    heads = {"score.weight"}
    if _config(checkpoint.folder).get("tie_word_embeddings"):
        heads.add("lm_head.weight")
    return sum(size for name, size in counted.items() if name not in heads)


def _sizes(file: Path) -> dict[str, int]:
    """Return the number of values of each tensor, out of a safetensors header."""
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            header = json.loads(opened.read(length))
        return {
            name: prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__"
        }
    except (OSError, ValueError, struct.error, TypeError, LookupError) as error:
        raise CheckpointError(f"{file} is no readable safetensors file: {error}") from error


def _config(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "config.json").read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder}/config.json cannot be read: {error}") from error
