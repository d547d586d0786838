r"""What may be the answer of prose that states none: its last formula, or its last number.

Not one that is an exponent, an index, an argument or a label, that the sentence is about, or that
belongs to a circumstance; and none from a text that breaks off. Also what a short text says once
the words around a value are taken away.
"""

from __future__ import annotations

import re

from bench.answers.responses.closing import (
    RANGE,
    UNMARKED,
    is_circumstance,
    is_subject,
    last_sentences,
    without_remark,
)
from bench.answers.responses.marks import Extracted, Where
from bench.answers.responses.sentences import CONTRADICTED, SENTENCE, cut_pieces, is_prose, is_task

_FORMULA = re.compile(r"\$\$[^$]+\$\$|\$[^$]+\$|\\\(.+\\\)|\\\[.+\\\]", re.DOTALL)
_NUMBER = re.compile(
    r"(?:\d{1,2}:\d{2}(?:\s?[apAP]\.?[mM]\b\.?)?|[-−]?\\[dt]?frac\{\d+\}\{\d+\}|"
    r"[-−]?(?:\\?\$\s?)?\d+(?:(?:,|\{,\}|\\,|,\\!)\d{3})*(?:\.\d+)?(?:\s?/\s?\d+)?(?:\s?\\?%)?)"
)
_SENTENCES = 6
"""The last so many are searched."""
_BARE = 200
"""Characters of an answer in words; a longer text is a response."""

_BREAKING = re.compile(
    r"[-=+*/^_(\[{<>&\\:,，：]\s*$|\\[A-Za-z]+\s*$|\b(?:the|an?|of|is|are|and|or|to|that|for|with|we|by|in"
    r"|on|as|if|then|so|have|has|get|find|be|where|which|this|from|at)\s*$",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?:^|\n)\s*(?:[-*•#]+|\(?\d{1,2}[.)]|\(?[a-z]\))\s*$")


def is_cut_off(text: str) -> bool:
    """Whether a text ends where no writer ends: in a formula, behind a sign or a small word."""
    text = text.rstrip()
    if text.endswith(("$$", r"\]", r"\)")):
        return False
    tail = text[-RANGE:]
    paragraph = tail[tail.rfind("\n\n") + 1 :]
    if paragraph.count("$") % 2 and re.search(r"[\\^_{]", paragraph[paragraph.rfind("$") :]):
        return True
    opened = max(paragraph.rfind(r"\("), paragraph.rfind(r"\["))
    if opened >= 0 and opened > max(paragraph.rfind(r"\)"), paragraph.rfind(r"\]")):
        return True
    if tail.count("```") % 2:
        return True
    return bool(_BREAKING.search(text[-40:]) or _LABEL.search(text[-40:]))


def guessed_answer(text: str) -> Extracted | None:
    """Return the last formula or number of prose that may be its answer; None without one."""
    for sentence in last_sentences(text, _SENTENCES):
        if is_task(sentence):
            continue
        for piece in reversed(cut_pieces(without_remark(sentence))):
            if piece.denied or is_subject(piece) or is_circumstance(piece):
                continue
            if _FORMULA.fullmatch(piece.text):
                return Extracted(piece.text.strip("$ "), Where.FORMULA, UNMARKED)
            if _NUMBER.fullmatch(piece.text):
                return Extracted(piece.text, Where.NUMBER, UNMARKED)
    return None


def is_bare(text: str) -> bool:
    """Whether a text is an answer in words rather than a response: one sentence with one value."""
    text = text.strip()
    if len(text) > _BARE or "\n" in text or len([s for s in SENTENCE.split(text) if s]) > 1:
        return False
    return len(cut_pieces(text)) == 1


_LABELLED = re.compile(
    r"[^\W\d_](?:[^\W\d_]| ){0,40}[:,]?\s*(\$[^$]+\$|\\\(.+?\\\))\s*\.?", re.DOTALL
)


_NAMED_ANSWER = re.compile(
    r"\**(?:[^\W\d_]+ ){0,2}(?:(?=\w*[^\W\d_A-Z]{2})[^\W\d_]{3,20}\**\s*[:.]\**\s+"
    r"|[^\W\d_]{3,20}\s+(?:is|was|est|es|ist|lautet|\u00e9|\u00e8|adalah|ay|choose|pick|select)\s+)"
    r"(\S.{0,80})"
    r"|I\s+(?:choose|pick|select)\s+(\S.{0,80})"
)
"""`Cevap: 7`, `La risposta \u00e8 7`: a word for the answer, in whatever language, and a value."""


_STATEMENT = re.compile(
    r"[A-Z][^.?!]*\b(?:is|are|equals|be)\s+(?:equal to\s+|going to be\s+)?"
    r"(?:\$([^$]+)\$|\\\(((?:(?!\\\)).)+)\\\)|(-?\d[\d,./]*))\s*\.?",
    re.DOTALL,
)


def labelled_answer(text: str) -> str:
    """Return the formula behind a few words that introduce it, `The matrix: $...$`; or nothing."""
    text = text.strip()
    if CONTRADICTED.search(text) or is_task(text):
        return ""
    if match := _LABELLED.fullmatch(text):
        return match[1].strip("$ ")
    match = _NAMED_ANSWER.fullmatch(text)
    found = (match[1] or match[2]).strip(" $*") if match else ""
    return "" if is_prose(found) else found


def statement(text: str) -> str:
    """Return what a single sentence says something is, `The least value is $3$.`; or nothing."""
    match = _STATEMENT.fullmatch(text.strip())
    if match is None or CONTRADICTED.search(text):
        return ""
    return next(group for group in match.groups() if group).strip()


_NUMBER_AND_UNIT = re.compile(
    r"([-−]?(?:\\?\$\s?)?\d+(?:(?:,|\{,\}|\\,|,\\!)\d{3})*(?:\.\d+)?)"
    r"\s*(?:[\u4e00-\u9fff]{1,4}|[€£¥$]|[mgsl][²³]?|(?:c|k|m)[mgl][²³]?)\.?"
)


def without_unit(answer: str) -> str:
    """A number in prose without the unit that is glued to it."""
    answer = answer.strip()
    number = _NUMBER_AND_UNIT.fullmatch(answer)
    return number[1] if number else answer
