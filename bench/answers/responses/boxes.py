r"""The boxes of a response: balanced, of nested ones the innermost, joined where they belong.

Read from the end, and no further than the last few boxes that belong together.
"""

from __future__ import annotations

import re

from bench.answers.responses.marks import Extracted, Where
from bench.answers.responses.sentences import CONTRADICTED, is_denied

_BOX = re.compile(r"\\(?:begin)?(?:boxed|fbox)\s*\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
"""What matters for balance. `\\{` is a printed brace, so every escape is one token."""


_JOINT = re.compile(
    r"(?:\s|\$|\\[()\[\]]|\\q?quad|\\[,;:! ]|[,;.]|\\text(?:bf|rm)?\{|\}|\b(?:and|or|with)\b"
    r"|(?:\\?[A-Za-z]+(?:_\{?\w+\}?)?|[a-zA-Z]\(\w\))\s*=)*"
    r"(?:(?<==)[-−]|(?<== )[-−])?"
)


_SIGN_AFTER_BOX = re.compile(r"[\s$]*(\\?%|\bpct\b|\bpercent\b|\^\{?\\circ\}?|°|\bdegrees\b)")
"""A box that holds a number only, with what it is a number of behind it."""
_BARE_PERCENT = re.compile(r"\$*%|[\s$]*%(?:\s*?(?:$|[\n.,;:!?)])|\$|\s+of\b)")
"""A percent sign apart from the box, with words behind it, begins a comment of LaTeX."""
_PLAIN_NUMBER = re.compile(
    r"(?:[A-Za-z]\s*=\s*)?\$?[-+−]?\$?(?:(?:\d+(?:(?:[., ]|\{,\}|,?\\[,! ])\d+)*|\.\d+)(?:/\d+)?"
    r"|\d*\s*\\[dt]?frac\s*(?:\d\s*\d|\{\s*\d+\s*\}\s*\{\s*\d+\s*\}))\.?\$?"
)
_LONGEST_NUMBER = 60
_MINUS_BEFORE_BOX = re.compile(
    r"(?:^|[=≈<>≤≥]\s*|(?<![^\s(,:;$])\$\s*|\\[(\[]\s*|\\(?:approx|leq?|geq?)\s*"
    r"|(?::|\b(?:is|are|be|equals?|gets?|gives?))\s+)[-−]$"
)
"""A minus behind something else takes away from it, or is a dash."""
_GOES_ON = re.compile(
    r"\s*(?:[-+/_]|\*(?!\*)|\^(?!\{?\\circ))|[A-Za-z0-9(]"
    r"|\\[a-z](?<!\\[tq])|\\t(?!ext)|\\q(?!q?uad)"
)
"""What makes a box a part of a longer formula."""
_DENIED_AFTER = re.compile(
    r"[ \t$)\\\]]{0,6}(?:(?:would|could|is|was|must)(?: be)? (?:wrong|incorrect)"
    r"|(?:is not|isn['’]t|can(?:no|['’])t be) (?:the|our|my|right|correct))\b"
)
_DOUBTED = re.compile(r"\b[Nn]ot[\s$*(\\\[{]*$|\b(?:think|believe|thought|guessed|assumed)\b")
"""A box for what a variable cannot be is an answer; one that is called not the answer is none."""
_HOLDS_NOTHING = re.compile(r"(?:[\s.…]|\\[lc]?dots)*")
_TAKEN_BACK = re.compile(r"\brather[\s$]*$")
_PROGRAM = re.compile(
    r"^[ \t]*```[ \t]*(?:python[\d.]*|py|sage|sympy|c|cpp|c\+\+|java|javascript|js|julia|matlab|r"
    r"|mathematica|wolfram|haskell|lean4?|bash|sh)[ \t]*\n.*?(?:^[ \t]*```|\Z)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
"""A fenced block of code; what it printed, LaTeX and blocks of no language are none."""
_REACH = 40


_JOINT_WORDS = re.compile(r"[^.\n]{0,60}\b(?:and|or)\b\W*")
_LONGEST_JOINT = 80


def boxed_answer(text: str) -> Extracted | None:
    """Return what is in the last box, or in the last few that belong together; none without one."""
    if "box" not in text:
        return None
    if "```" in text and (plain := without_code(text)) != text:
        found = boxed_answer(plain)
        if found and found.answer and not _HOLDS_NOTHING.fullmatch(found.answer):
            return found
    spans, unclosed = _last_boxes(text)
    if not spans:
        reason = "the box is not closed: the text may be truncated"
        return Extracted(None, Where.NOWHERE, reason) if unclosed else None
    parts = [_with_minus(text, start, end) for start, end in spans]
    if not parts[-1]:
        return Extracted(None, Where.NOWHERE, "the last box is empty")
    distinct = list(dict.fromkeys(part for part in parts if part))
    note = "a later box is not closed" if unclosed else ""
    if len(distinct) > 1:
        note = note or f"{len(distinct)} boxes, joined"
    answer = ", ".join(distinct)
    behind = spans[-1][1] + 1
    if (after := _SIGN_AFTER_BOX.match(text, behind)) and (
        after[1] != "%" or (_is_plain_number(parts[-1]) and _BARE_PERCENT.match(text, behind))
    ):
        answer += after[1]
    return Extracted(answer, Where.BOX, note)


def without_code(text: str) -> str:
    """Return the text without its fenced programs, whose boxes are not what the writer answers."""
    return _PROGRAM.sub("\n", text)


def _is_plain_number(part: str) -> bool:
    return len(part) <= _LONGEST_NUMBER and bool(_PLAIN_NUMBER.fullmatch(part))


def _with_minus(text: str, start: int, end: int) -> str:
    """What is in a box, with the minus that stands before it."""
    part = text[start:end].strip()
    mark = text.rfind("\\", 0, start)
    if (
        text[mark - 1 : mark] in ("-", "−")
        and _MINUS_BEFORE_BOX.search(text[max(0, mark - _REACH) : mark])
        and not part.startswith(("-", "−"))
        and _is_plain_number(part)
        and not _GOES_ON.match(text, end + 1)
    ):
        return f"-{part}"
    return part


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
    boxes = [(*box, end) for box, end in zip(opened, closed, strict=True)]
    counted = [box for box in boxes if box[2] < 0 or not _is_no_answer(text, *box)]
    if any(end >= 0 for _, _, end in counted):
        boxes = counted
    for _, start, end in reversed(boxes):
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
    return spans, unclosed


def _is_no_answer(text: str, mark: int, start: int, end: int) -> bool:
    """Whether a box is denied, or holds nothing and does not take back the one before."""
    if _HOLDS_NOTHING.fullmatch(text, start, end):
        return not _TAKEN_BACK.search(text[max(0, mark - _REACH) : mark])
    if is_denied(text, mark) and _DOUBTED.search(text[max(0, mark - _REACH) : mark]):
        return True
    return bool(_DENIED_AFTER.match(text, end + 1))


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
