r"""The boxes of a response: balanced, of nested ones the innermost, joined where they belong."""

from __future__ import annotations

import re

from bench.answers.responses.guesses import CONTRADICTED
from bench.answers.responses.marks import Extracted, Where

_TOKEN = re.compile(r"\\(?:begin)?(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
"""What matters for balance. `\\{` is a printed brace, so every escape is one token."""


_JOINT = re.compile(
    r"(?:\s|\$|\\[()\[\]]|\\q?quad|\\[,;:! ]|[,;.]|\\text(?:bf|rm)?\{|\}|\b(?:and|or|with)\b"
    r"|(?:\\?[A-Za-z]+(?:_\{?\w+\}?)?|[a-zA-Z]\(\w\))\s*=)*"
)


_SIGN_AFTER_BOX = re.compile(r"[\s$]*(\\?%|\bpct\b|\bpercent\b|\^\{?\\circ\}?|°|\bdegrees\b)")
"""A box that holds a number only, with what it is a number of behind it."""


_JOINT_WORDS = re.compile(r"[^.\n]{0,60}\b(?:and|or)\b\W*")


def boxed_answer(text: str) -> Extracted | None:
    """Return what is in the last box, or in the last few that belong together; none without one."""
    spans, unclosed = _boxes(text)
    if not spans:
        reason = "the box is not closed: the text may be truncated"
        return Extracted(None, Where.NOWHERE, reason) if unclosed else None
    parts = [text[slice(*spans[-1])].strip()]
    for (_, end), (start, _) in reversed(list(zip(spans, spans[1:], strict=False))):
        between = text[end + 1 : start]
        between = re.sub(r"\\(?:begin)?(?:boxed|fbox)\s*\{$", "", between)
        if not _joins(between):
            break
        parts.insert(0, text[slice(*(spans[len(spans) - len(parts) - 1]))].strip())
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


def _joins(between: str) -> bool:
    """Whether what stands between two boxes makes them parts of one answer."""
    if len(between) > 80 or CONTRADICTED.search(between):
        return False
    return bool(_JOINT.fullmatch(between) or _JOINT_WORDS.fullmatch(between))


def _boxes(text: str) -> tuple[list[tuple[int, int]], bool]:
    """The balanced boxes, of nested ones the innermost; and whether a later one stays open."""
    open_braces: list[tuple[int, bool]] = []
    spans: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(text):
        if token[0] == "}":
            if open_braces:
                opened, is_box = open_braces.pop()
                # Of nested boxes, the inner one closes first: the outer adds nothing to it.
                if is_box and not (spans and spans[-1][0] > opened):
                    spans.append((opened, token.start()))
        elif token[0].endswith("{") and token[0] != r"\{":
            open_braces.append((token.end(), token[0] != "{"))
    last = spans[-1][0] if spans else -1
    unclosed = any(is_box and opened > last for opened, is_box in open_braces)
    return spans, unclosed
