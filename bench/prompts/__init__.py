"""The text format: tags, steps and prompt templates. Nothing here runs code or a model."""

from bench.prompts.registry import TEMPLATES, template
from bench.prompts.steps import (
    StepKind,
    code_of,
    kind_of,
    output_block,
    shown_output,
    without_addresses,
)
from bench.prompts.templates import FEW_SHOT, OFFICIAL, START, Format, Template

__all__ = [
    "FEW_SHOT",
    "OFFICIAL",
    "START",
    "TEMPLATES",
    "Format",
    "StepKind",
    "Template",
    "code_of",
    "kind_of",
    "output_block",
    "shown_output",
    "template",
    "without_addresses",
]
