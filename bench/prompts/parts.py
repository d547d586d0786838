"""A step's text without its tags: the parts that it consists of, in the order of the text.

The page does the same in the browser (`bench/page/web/src/text.js`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from bench.prompts import plans, tags


class PartKind(StrEnum):
    """What a part of a step is."""

    CODE = "code"
    OUTPUT = "output"
    """What a program printed."""
    ANSWER = "answer"
    PLAN = "plan"
    TEXT = "text"


class Part(NamedTuple):
    """A part of a step: its kind, and its text without tags and the white space around it."""

    kind: PartKind
    text: str


_BEGINS: Mapping[str, PartKind] = {
    tags.CODE: PartKind.CODE,
    tags.END_OF_CODE: PartKind.TEXT,
    tags.OUTPUT: PartKind.OUTPUT,
    tags.ANSWER: PartKind.ANSWER,
    tags.END_OF_ANSWER: PartKind.TEXT,
    plans.START_OF_PLAN: PartKind.PLAN,
    plans.END_OF_PLAN: PartKind.TEXT,
    plans.STEP_OF_PLAN: PartKind.PLAN,
    plans.SOLUTION: PartKind.TEXT,
}
"""What follows a tag."""
_ENDS = (tags.END_OF_STEP, plans.END_OF_STEP, plans.END_OF_SOLUTION)
"""Tags behind which the kind stays what it was."""
_TAG = re.compile("(" + "|".join(map(re.escape, (*_BEGINS, *_ENDS, tags.END_OF_OUTPUT))) + ")")


def first_kind(root: str) -> PartKind:
    """Return what a step is before its first tag, by the text that every solution begins with."""
    return _BEGINS.get(root, PartKind.TEXT)


def split_parts(text: str, kind: PartKind) -> list[Part]:
    """Return the parts of a step that begins as `kind`; empty ones are left out."""
    parts = []
    before = kind
    for piece in _TAG.split(text):
        if piece == tags.END_OF_OUTPUT:
            kind = before
        elif piece in _BEGINS:
            if _BEGINS[piece] is PartKind.OUTPUT:
                before = kind
            kind = _BEGINS[piece]
        elif piece not in _ENDS and piece.strip():
            parts.append(Part(kind, piece.strip("\n").rstrip()))
    return parts
