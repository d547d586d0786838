"""Prompt templates by name."""

from __future__ import annotations

from bench.errors import UnknownNameError
from bench.prompts.plans import FEW_SHOT_PLANS, PLANS
from bench.prompts.templates import FEW_SHOT, OFFICIAL, Template

TEMPLATES = {each.name: each for each in (OFFICIAL, FEW_SHOT, PLANS, *FEW_SHOT_PLANS.values())}


def template(name: str) -> Template:
    """Return a template by name. Raises UnknownNameError."""
    if name not in TEMPLATES:
        raise UnknownNameError("prompt template", name, TEMPLATES)
    return TEMPLATES[name]
