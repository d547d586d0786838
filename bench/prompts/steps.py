"""What a step's text means: which code it holds, what its output block says, how it ends.

The step semantics of the format live here, not in the sandbox: output is cut to 1024 characters
(official executor), and only what the program printed is shown. Nothing here runs code.
"""

from __future__ import annotations

import re
from enum import StrEnum

from bench.prompts import tags

MAX_OUTPUT_CHARS = 1024
"""Characters of program output that are shown to the model; the official executor's figure."""

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")
"""How Python prints where an object lies in memory, which differs from run to run."""


class StepKind(StrEnum):
    """How a step's text ends, which is what happens next."""

    STEP = "step"
    """Ends with `<end_of_step>`: its code is run, more steps follow."""
    SHOWN = "shown"
    """Ends with `<output>`: its code is run, what it printed is shown, more steps follow."""
    CODE_END = "code_end"
    """Ends with `<end_of_code>`: its code is run, and the output block is appended."""
    ANSWER = "answer"
    """Ends with `<end_of_answer>`: the trajectory is finished."""
    CUT = "cut"
    """Ends nowhere: the token limit, or the model stopped early."""


def kind_of(text: str) -> StepKind:
    """Return what the end of a generated step says."""
    if text.endswith(tags.END_OF_STEP):
        return StepKind.STEP
    if text.endswith(tags.END_OF_CODE):
        return StepKind.CODE_END
    if text.endswith(tags.OUTPUT):
        return StepKind.SHOWN
    if text.endswith(tags.END_OF_ANSWER):
        return StepKind.ANSWER
    return StepKind.CUT


def code_of(text: str) -> str:
    """Return the Python of a step: its text without tags. Answer steps hold none."""
    if tags.ANSWER in text or text.endswith(tags.END_OF_ANSWER):
        return ""
    for tag in (tags.CODE, tags.END_OF_STEP, tags.END_OF_CODE, tags.OUTPUT):
        text = text.replace(tag, "")
    return text.strip("\n")


def without_addresses(text: str) -> str:
    """Replace memory addresses by `0x0`: they would make a tree depend on where it was grown."""
    return _ADDRESS.sub("0x0", text)


def output_block(printed: str) -> str:
    """Return the block that the executor inserts after `<end_of_code>`."""
    return f"\n{tags.OUTPUT}{shown_output(printed)}"


def shown_output(printed: str) -> str:
    """Return what the executor inserts after the `<output>` with which a step asked for it."""
    shown = without_addresses(printed).strip()[:MAX_OUTPUT_CHARS]
    return f"{shown}{tags.END_OF_OUTPUT}\n"
