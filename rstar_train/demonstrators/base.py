"""Who may search before there is a policy worth searching with: demonstrators by name.

A demonstrator stands in for the paper's 236B policy of round 1. It writes steps for the problems it
knows and for no others, reads the question only, and errs on purpose; what was right is decided by
the search's reward. Results that rest on one say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bench.engines.base import Policy
from bench.errors import UnknownNameError
from bench.prompts import Format
from bench.types import Problem

DEMONSTRATORS: Mapping[str, Format] = {
    "demonstrator": "steps",
    "gsm8k-demonstrator": "steps",
    "plan-demonstrator": "plans",
}
"""By name, and what each writes."""


class Demonstrator(Policy, Protocol):
    """A policy that says which problems it can write steps for."""

    def can_solve(self, problem: Problem) -> bool:
        """Whether `propose` will write steps for a problem."""
        ...


def open_demonstrator(name: str, mistake_rate: float) -> Demonstrator:
    """Return a demonstrator that errs at a rate. Raises UnknownNameError, MissingDataError."""
    if name == "demonstrator":
        from rstar_train.demonstrators import by_rule

        return by_rule.RuleDemonstrator(mistake_rate)
    if name == "gsm8k-demonstrator":
        from rstar_train.demonstrators import gsm8k

        return gsm8k.GSM8KDemonstrator.read(mistake_rate)
    if name == "plan-demonstrator":
        from rstar_train.demonstrators import plans

        return plans.PlanDemonstrator(mistake_rate)
    raise UnknownNameError("demonstrator", name, DEMONSTRATORS)
