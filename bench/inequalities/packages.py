"""The packages of the prover, which a bare installation lacks; the checker needs none of them."""

from __future__ import annotations

from importlib.util import find_spec

from bench.errors import MissingExtraError

PACKAGES = {"flint": "python-flint", "clarabel": "clarabel", "mpmath": "mpmath"}
"""By the module that is imported."""


def require_packages(feature: str) -> None:
    """Raise MissingExtraError, which says how to install it, where a package is absent."""
    for module, package in PACKAGES.items():
        if find_spec(module) is None:
            raise MissingExtraError(feature, package, "inequalities")


def require_z3(feature: str) -> None:
    """Raise MissingExtraError where z3 is absent, which only asking it needs."""
    if find_spec("z3") is None:
        raise MissingExtraError(feature, "z3-solver", "z3")
