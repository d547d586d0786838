"""Models of the Hugging Face hub: `organisation/model`, or `organisation/model@revision`.

The files are kept where the hub's own client keeps them. A name without a revision is whatever the
branch `main` holds; a run's configuration has a digest of the weights, so that two states of one
name are never mistaken for each other.
"""

from __future__ import annotations

import re
from pathlib import Path

from bench.errors import CheckpointError, MissingExtraError

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")
FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")
"""What an engine reads: configuration, weights, tokenizer. Other formats of the weights stay."""
REACH_SECONDS = 10.0
"""How long the hub may take for its first answer."""


def is_name(name: str) -> bool:
    """Whether `name` has the form of a model on the hub."""
    return _NAME.fullmatch(name) is not None


def download(name: str) -> Path:
    """Return the folder of a model, downloaded where it is not yet. Raises CheckpointError."""
    try:
        import huggingface_hub
        from huggingface_hub import constants
    except ImportError as error:
        raise MissingExtraError(f"the hub's model {name!r}", "huggingface_hub", "cpu") from error
    model, _, revision = name.partition("@")
    try:
        if not constants.HF_HUB_OFFLINE:
            # Asked first and with a time limit, so that no network is a matter of seconds.
            info = huggingface_hub.HfApi().model_info(
                model, revision=revision or None, timeout=REACH_SECONDS
            )
            revision = info.sha or revision
        return Path(
            huggingface_hub.snapshot_download(
                model, revision=revision or None, allow_patterns=list(FILES)
            )
        )
    except Exception as error:
        # Broad on purpose, and raised on: the hub's client lets the errors of its HTTP library
        # through, and which library that is has changed with its versions.
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
        raise CheckpointError(
            f"{name!r} is no folder here, and the hub gives no such model ({reason}). Give a "
            "folder with config.json, safetensors and tokenizer; or check the name, the network, "
            "and HF_TOKEN for a gated model"
        ) from error
