"""Which files programs may read: shared libraries, the standard library, a few packages.

What else is installed stays hidden, this project and its problems with their reference answers
first of all. Found without importing anything that is heavy.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

from bench.errors import SandboxError
from bench.sandbox.inside.settings import Exposed

PACKAGES = ("mpmath", "numpy", "scipy", "sympy")
"""What programs may import beside the standard library; the same wherever the harness runs."""


def find_exposed() -> Exposed:
    """Find the files on this machine. Raises SandboxError when a package is not installed."""
    base = Path(sys.base_prefix)
    libraries = [Path(p) for p in ("/lib", "/lib64", "/usr/lib", "/usr/lib64")]
    libraries += [base / "lib", base / sys.platlibdir]
    libraries += [Path(_standard(name)) for name in ("stdlib", "platstdlib")]
    kept: list[Path] = []
    for path in libraries:
        if path.is_dir() and not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    packages = [found for name in PACKAGES for found in _files(name)]
    return Exposed(
        libraries=tuple(map(str, kept)),
        hidden=tuple(str(path) for path in _installations() if _is_within(path, kept)),
        packages=tuple(map(str, packages)),
        search=tuple(dict.fromkeys(str(path.parent) for path in packages)),
    )


def _standard(name: str) -> str:
    """Where the base installation, and not a virtual environment on top of it, has a directory."""
    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    installed = {f"installed_{key}": path for key, path in base.items()}
    return sysconfig.get_path(name, vars={**base, **installed})


def _files(name: str) -> list[Path]:
    """The directory of a package, and that of the libraries which its wheel brought."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise SandboxError(f"the sandbox offers {name} to programs, which is not installed")
    package = Path(spec.origin).parent
    libs = package.parent / f"{name}.libs"
    return [package, libs] if libs.is_dir() else [package]


def _installations() -> list[Path]:
    """Where packages may be installed, below the standard library or beside it."""
    base = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    roots = [Path(_standard("stdlib"))]
    roots += [
        lib / python
        for lib in (base / "lib", base / "lib64", Path("/usr/lib"))
        for python in (version, "python3")
    ]
    found = [root / name for root in roots for name in ("site-packages", "dist-packages")]
    return list(dict.fromkeys(path for path in found if path.is_dir()))


def _is_within(path: Path, directories: list[Path]) -> bool:
    """Whether a path, links followed, lies in one of the directories, links followed."""
    real = os.path.realpath(path)
    return real == str(path) and any(
        real.startswith(f"{os.path.realpath(d)}/") for d in directories
    )
