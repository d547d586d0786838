"""Named answer checkers behind one protocol: ours, and those that published scores come from.

Each is labelled with the version of what decides. No member executes a model's text; what is
missing of a namesake for that reason, or because no package index has it, is in its `about`.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.checkers.panel.base import Checker
from bench.checkers.panel.lm_eval_rules import hendrycks_checker, minerva_checker
from bench.checkers.panel.math_verify_rule import math_verify_checker
from bench.checkers.panel.ours import Ours
from bench.checkers.panel.rstar_rule import rstar_checker
from bench.checkers.panel.strings import PRM800KStyle
from bench.errors import UnknownNameError
from bench.plugins import Registry

__all__ = ["MEMBERS", "OURS", "Checker", "Ours", "names", "open_checker"]

OURS = "rstar-bench"
"""The member that runs are scored by."""

MEMBERS: Registry[Callable[[], Checker]] = Registry(
    "checkers",
    None,
    {
        OURS: Ours,
        "math-verify": math_verify_checker,
        "lm-eval-hendrycks": hendrycks_checker,
        "lm-eval-minerva": minerva_checker,
        "prm800k-style": PRM800KStyle,
        "rstar-partial": rstar_checker,
    },
)


def names() -> tuple[str, ...]:
    """Return every member's name, ours first."""
    return tuple(MEMBERS)


def open_checker(name: str) -> Checker:
    """Return a member; nothing is started before its first question. Close it afterwards.

    Raises:
        UnknownNameError: there is no such member.
        MissingExtraError: what decides is not installed.
    """
    if name not in MEMBERS:
        raise UnknownNameError("checker", name, MEMBERS)
    return MEMBERS[name]()
