r"""The boxes of a response: balanced, of nested ones the innermost, joined where they belong.

Read from the end, and no further than the last few boxes that belong together.
"""

from __future__ import annotations

import re

from bench.answers.responses.marks import Extracted, Where
from bench.answers.responses.sentences import CONTRADICTED

_BOX = re.compile(r"\\(?:begin)?(?:boxed|fbox)\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
"""What matters for balance. `\\{` is a printed brace, so every escape is one token."""


_JOINT = re.compile(
    r"(?:\s|\$|\\[()\[\]]|\\q?quad|\\[,;:! ]|[,;.]|\\text(?:bf|rm)?\{|\}|\b(?:and|or|with)\b"
    r"|(?:\\?[A-Za-z]+(?:_\{?\w+\}?)?|[a-zA-Z]\(\w\))\s*=)*"
)


_SIGN_AFTER_BOX = re.compile(r"[\s$]*(\\?%|\bpct\b|\bpercent\b|\^\{?\\circ\}?|°|\bdegrees\b)")
"""A box that holds a number only, with what it is a number of behind it."""


_JOINT_WORDS = re.compile(r"[^.\n]{0,60}\b(?:and|or)\b\W*")
_LONGEST_JOINT = 80


def boxed_answer(text: str) -> Extracted | None:
    """Return what is in the last box, or in the last few that belong together; none without one."""
    if "box" not in text:
        return None
    spans, unclosed = _last_boxes(text)
    if not spans:
        reason = "the box is not closed: the text may be truncated"
        return Extracted(None, Where.NOWHERE, reason) if unclosed else None
    parts = [text[start:end].strip() for start, end in spans]
    if not parts[-1]:
        return Extracted(None, Where.NOWHERE, "the last box is empty")
    distinct = list(dict.fromkeys(part for part in parts if part))
    note = "a later box is not closed" if unclosed else ""
    if len(distinct) > 1:
        note = note or f"{len(distinct)} boxes, joined"
    answer = ", ".join(distinct)
    if after := _SIGN_AFTER_BOX.match(text, spans[-1][1] + 1):
        answer += after[1]
    return Extracted(answer, Where.BOX, note)


def _last_boxes(text: str) -> tuple[list[tuple[int, int]], bool]:
    """The contents of the last boxes that are one answer; and whether a later one stays open.

    Linear: of boxes that are never closed, the outermost alone is followed to the end.
    """
    spans: list[tuple[int, int]] = []
    unclosed = False
    opened: list[tuple[int, int]] = []
    """Where each box begins, with its backslash and with its content."""
    for match in _BOX.finditer(text):
        if not _is_escaped(text, match.start()):
            opened.append((match.start(), match.end()))
    closed = _partners(text, [start for _, start in opened])
    for (mark, start), end in reversed(list(zip(opened, closed, strict=True))):
        if end < 0:
            unclosed = unclosed or not spans
        elif not spans:
            spans.append((start, end))
        elif end < spans[0][0]:
            # Between the boxes, and not around them: of nested ones the inner one is the answer.
            following = next(m for m, s in opened if s == spans[0][0])
            if not _joins(text[end + 1 : following]):
                break
            spans.insert(0, (start, end))
        del mark
    return spans, unclosed


def _partners(text: str, starts: list[int]) -> list[int]:
    """Where each of the braces that open before `starts` is closed; -1 for those that are not."""
    found = dict.fromkeys(starts, -1)
    if not starts:
        return []
    stack = [starts[0]]
    for brace in _BRACE.finditer(text, starts[0]):
        if brace[0] == "}":
            if stack:
                at = stack.pop()
                if at in found:
                    found[at] = brace.start()
        elif brace[0] == "{":
            stack.append(brace.end())
    return [found[start] for start in starts]


def _is_escaped(text: str, at: int) -> bool:
    r"""Whether the backslash here is itself behind one: `\\boxed` is a line break and a word."""
    before = at
    while before and text[before - 1] == "\\":
        before -= 1
    return (at - before) % 2 == 1


def _joins(between: str) -> bool:
    """Whether what stands between two boxes makes them parts of one answer."""
    if len(between) > _LONGEST_JOINT or CONTRADICTED.search(between):
        return False
    return bool(_JOINT.fullmatch(between) or _JOINT_WORDS.fullmatch(between))
