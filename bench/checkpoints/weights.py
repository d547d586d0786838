"""Weights that an engine can load, out of a checkpoint.

Full weights are used where they lie. A chain of adapters is merged into full weights once, in a
cache folder named by the digest of everything that went in: a Hugging Face folder, and for a policy
that was trained from the embedded model a GGUF too.
"""

from __future__ import annotations

import logging
import os
import shutil
import struct
from math import prod
from pathlib import Path
from typing import Any

from bench.checkpoints import embedded
from bench.checkpoints.checkpoint import EMBEDDED, WEIGHTS, Checkpoint
from bench.errors import CheckpointError
from bench.files.cache import cache_dir
from bench.files.digests import SHORT, short_digest
from bench.files.lines import decode

log = logging.getLogger(__name__)

GGUF = "policy-f16.gguf"
OPENVINO = "openvino-f32-2"
"""Folder of a policy's own files. The number is the exporter's: files of an older one, which may
compute other texts, are not found."""


def full_weights(checkpoint: Checkpoint) -> Path:
    """Return a folder with full Hugging Face weights and tokenizer; an adapter is merged once."""
    from bench.checkpoints.merging import caching, save_embedded, save_merged

    if checkpoint.folder is not None and checkpoint.adapter is None:
        return checkpoint.folder
    folder = _cached(checkpoint)
    if (folder / "config.json").is_file():
        return folder
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    with caching(partial):
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


def count_missing_bytes(checkpoint: Checkpoint, *, as_gguf: bool) -> int:
    """Return how much `full_weights`, or `gguf`, has to write into the cache: about so many bytes.

    Raises CheckpointError: the weights cannot be read.
    """
    if checkpoint.is_served:
        return 0  # read by its server
    whole = checkpoint.folder is not None and checkpoint.adapter is None
    if checkpoint.folder is None if as_gguf else whole:
        return 0  # used where it lies
    if (_cached(checkpoint) / (GGUF if as_gguf else "config.json")).is_file():
        return 0
    made_from = checkpoint if as_gguf else checkpoint.parent
    size = parameters(checkpoint) * _BYTES[checkpoint.kind]
    return size + (0 if made_from is None else count_missing_bytes(made_from, as_gguf=False))


def count_missing_openvino_bytes(checkpoint: Checkpoint) -> int:
    """Return how much `openvino_weights` has to write into the cache, full weights included.

    Raises CheckpointError: the weights cannot be read.
    """
    missing, folder = count_missing_bytes(checkpoint, as_gguf=False), _cached(checkpoint)
    if not (folder / OPENVINO).is_dir():
        written = 4 if (folder / GGUF).is_file() else 4 + 2
        missing += written * parameters(checkpoint)
    return missing


_BYTES = {"policy": 2, "ppm": 4}
"""Of a parameter: policies are kept in bf16 and F16, PPMs in fp32."""


def _cached(checkpoint: Checkpoint) -> Path:
    return cache_dir() / f"{checkpoint.name.replace(os.sep, '_')}-{checkpoint.digest}"


def has_gguf(checkpoint: Checkpoint) -> bool:
    """Whether `gguf` can write the policy: its lineage begins with the embedded model.

    A shape alone would not do: the GGUF's metadata, tokenizer included, is the embedded model's.
    """
    while checkpoint.parent is not None:
        checkpoint = checkpoint.parent
    return checkpoint.folder is None or checkpoint.lineage.get("parent") == EMBEDDED


def has_backbone_of(ppm: Checkpoint, policy: Checkpoint) -> bool:
    """Whether a PPM is a head on a policy's own states. Raises CheckpointError: unreadable."""
    from bench.checkpoints.ppm_config import PPMConfig

    if ppm.adapter is None or not PPMConfig.load(ppm.adapter).head_only:
        return False
    parent = ppm.parent
    return parent is not None and parent.digest == policy.digest


def require_gguf(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError where `gguf` cannot write the policy."""
    if not has_gguf(checkpoint):
        raise CheckpointError(
            f"the policy {checkpoint.name!r} is no descendant of the embedded model, and OpenVINO "
            "runs no others here; choose the engine vllm, or transformers"
        )


def require_tokenizer(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError where full weights have no tokenizer beside them."""
    while checkpoint.parent is not None:
        checkpoint = checkpoint.parent
    folder = checkpoint.folder
    if folder is not None and not any((folder / name).is_file() for name in _TOKENIZERS):
        raise CheckpointError(
            f"{folder} holds no tokenizer ({' or '.join(_TOKENIZERS)}), which the "
            f"{checkpoint.kind} {checkpoint.name!r} needs; copy it from where the weights are from"
        )


_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json")
"""Any of these files is one."""


def tokenizer_digest(checkpoint: Checkpoint) -> str | None:
    """Return what tells tokenizers apart: a digest of the file; None where there is none to see.

    A descendant of the embedded model has the embedded model's, which its own file holds too.
    """
    while checkpoint.parent is not None:
        checkpoint = checkpoint.parent
    if checkpoint.folder is None and checkpoint.is_served:
        return None
    if checkpoint.folder is None or checkpoint.lineage.get("parent") == EMBEDDED:
        return embedded.SHA256[:SHORT]
    file = checkpoint.folder / "tokenizer.json"
    return short_digest(file.read_bytes()) if file.is_file() else None


def gguf(checkpoint: Checkpoint) -> Path:
    """Return a GGUF file of a policy: the embedded one itself, or full weights as F16.

    Raises CheckpointError: the policy is another model's descendant.
    """
    return embedded.gguf_path() if checkpoint.folder is None else _wide_gguf(checkpoint)


def _wide_gguf(checkpoint: Checkpoint) -> Path:
    """Return a GGUF file with full weights as F16."""
    require_gguf(checkpoint)
    # The cache keeps it beside merged weights; a folder that is not ours is not written to.
    out = _cached(checkpoint) / GGUF
    if not out.is_file():
        from bench.checkpoints.merging import caching, export_gguf

        folder = full_weights(checkpoint)
        with caching(out.parent):
            out.parent.mkdir(parents=True, exist_ok=True)
            export_gguf(folder, like=embedded.gguf_path(), out=out)
    return out


def openvino_folder(checkpoint: Checkpoint) -> Path | None:
    """Return a folder with a policy's weights as OpenVINO computes with them.

    None: it computes with the embedded file's four bits as they are; or they could not be written
    so, and it reads the GGUF, which takes more memory. Raises CheckpointError: the policy is
    another model's descendant.
    """
    if checkpoint.folder is None:
        return None
    try:
        return openvino_weights(checkpoint)
    except CheckpointError as error:
        require_gguf(checkpoint)
        log.warning("%s; its GGUF is loaded, which takes more memory", error)
        return None


def openvino_weights(checkpoint: Checkpoint) -> Path:
    """Return a folder with a policy's weights, the embedded model's too, widened to fp32.

    Raises CheckpointError: the policy is another model's descendant, or they cannot be written.
    """
    file = _wide_gguf(checkpoint)
    from bench.checkpoints.merging import caching
    from bench.checkpoints.openvino_export import MODEL, write_openvino

    out = file.with_name(OPENVINO)
    if (out / MODEL).is_file():
        return out
    partial = out.with_name(f"{out.name}.partial-{os.getpid()}")
    try:
        with caching(partial):
            partial.mkdir(exist_ok=True)
            write_openvino(file, partial)
        partial.rename(out)
    except OSError:
        # Where another process was faster, its folder is as good as ours.
        if not (out / MODEL).is_file():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return out


def cached_values(checkpoint: Checkpoint) -> int:
    """Return how many keys and values a token leaves, over all layers; 0 where nobody can tell.

    Raises CheckpointError: the configuration cannot be read.
    """
    while checkpoint.parent is not None:
        checkpoint = checkpoint.parent
    if checkpoint.folder is None:
        return 0 if checkpoint.is_served else embedded.CACHED_VALUES
    config = _config(checkpoint.folder)
    try:
        heads = int(config["num_attention_heads"])
        width = int(config.get("head_dim") or int(config["hidden_size"]) // heads)
        kept = int(config.get("num_key_value_heads") or heads)
        return 2 * int(config["num_hidden_layers"]) * kept * width
    except (KeyError, TypeError, ValueError):
        return 0


def attention_width(checkpoint: Checkpoint) -> int:
    """Return a model's heads times their width, over all layers; 0 where nobody can tell.

    Raises CheckpointError: the configuration cannot be read.
    """
    while checkpoint.parent is not None:
        checkpoint = checkpoint.parent
    if checkpoint.folder is None:
        return 0 if checkpoint.is_served else embedded.ATTENTION
    config = _config(checkpoint.folder)
    try:
        heads = int(config["num_attention_heads"])
        width = int(config.get("head_dim") or int(config["hidden_size"]) // heads)
        return int(config["num_hidden_layers"]) * heads * width
    except (KeyError, TypeError, ValueError):
        return 0


def parameters(checkpoint: Checkpoint) -> int:
    """Return how many parameters a checkpoint has: merging adds none, and a PPM's head counts not.

    0 of a model that only a server has. Raises CheckpointError: the weights cannot be read.
    """
    while checkpoint.parent is not None:
        checkpoint = checkpoint.parent
    if checkpoint.folder is None:
        return 0 if checkpoint.is_served else embedded.PARAMETERS
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
            header = decode(opened.read(length))
        return {
            name: prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__"
        }
    except (OSError, ValueError, struct.error, TypeError, LookupError) as error:
        raise CheckpointError(f"{file} is no readable safetensors file: {error}") from error


def _config(folder: Path) -> dict[str, Any]:
    try:
        return dict(decode((folder / "config.json").read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise CheckpointError(f"{folder}/config.json cannot be read: {error}") from error
