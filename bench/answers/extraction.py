r"""Finds the final answer in what a model wrote, says where, or why there is none.

A box wins over words, and the last one over earlier ones; boxes joined by "and" are one answer of
several parts. Without a box, in this order: tags around an answer, `####`, "the answer is", what
code printed, the last formula of the last sentence that has one, bold type, a last line or number.
The text is read in time linear in its length, since a model may write anything. What is found is
returned as it stands: reading it is the comparers' business. Words are a guess, and a poor one in a
text that holds code: who knows that the answer must be boxed looks at `where`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_TOKEN = re.compile(r"\\(?:begin)?(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
"""What matters for balance. `\\{` is a printed brace, so every escape is one token."""
_BARE_BOX = re.compile(r"\\(?:boxed|fbox)[ \t]+([^\s{}$\\]+)")
_WORDS = re.compile(
    r"answer(?:\s+choice)?\**(?:\s+is\b|\s+would be\b|\s*:|\s*=|(?=\s+(?:\\\(|\$)))"
    r"(?: for sure)?[ \t:*]*"
    r"|(?:答案|答)[是为：:\s]+",
    re.IGNORECASE,
)
_FINAL = re.compile(r"final answer is[ \t:*]*", re.IGNORECASE)
_ANSWER_LINE = re.compile(r"answer(?:\s+is)?[ \t:*]*\n+[ \t]*([^\n]+)", re.IGNORECASE)
_HASHES = re.compile(r"####[ \t]*")
_TAGGED = re.compile(
    r"<\|begin_of_box\|>(.*?)<\|end_of_box\|>|<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE
)
_OUTPUT = re.compile(
    r"```output\s*\n(.*?)```|<output>(.*?)<end_of_output>|<interpreter>(.*?)</interpreter>",
    re.DOTALL,
)
_TAG = re.compile(r"<\|?/?[a-z_]+\|?>")
_DELIMITED = re.compile(r"\$+([^$]+)\$|\\\((.+?)\\\)")
_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_SENTENCE = re.compile(
    r"(?:\.|!(?=\s+[A-Z]))(?:\s+|$)|\.\$+\s+|[。！।]|\n\n+|\s(?=(?:Therefore|Thus|Hence|So),?\s)"
)
_FAREWELL = re.compile(r"I hope (?:it|this) (?:is correct|helps)[.!]?", re.IGNORECASE)
_CHAT = re.compile(r"<\|[a-z_]+\|>[^\n]{0,20}\s*$", re.IGNORECASE)
_STATED = re.compile(
    r"\b(?:is|are|was|equals|equal to|be|it's|est|es|ist|é|è|donc de|get|gives|obtain|have|has)\s+"
    r"([^\n]*)$",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d{1,2}:\d{2}(?:\s?[apAP]\.?[mM]\b\.?)?|"
    r"[-−]?\\[dt]?frac\{\d+\}\{\d+\}|"
    r"[-−]?(?:\\?\$\s?)?\d+(?:(?:,|\{,\}|\\,|,\\!)\d{3})*(?:\.\d+)?(?:\s?/\s?\d+)?(?:\s?\\?%)?"
    r"(?![\dA-Za-z])"
)
_PROSE = re.compile(r"(?<![\\{])(?<![^\W\d_])[^\W\d_]{2,}(?![^\W\d_}])")
_OTHER_SCRIPT = re.compile(r"[\u0400-\u1fff\u2e80-\ud7ff\uf900-\ufaff]{2,}")
"""Words in a script that no formula uses: Cyrillic, Devanagari, Chinese and others."""
_TEXT = re.compile(r"\\(?:text|textbf|mbox)\s*\{([^{}]*)\}")
_ASCII = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_JOINT = re.compile(
    r"(?:\s|\$|\\[()\[\]]|\\q?quad|\\[,;:! ]|[,;.]|\\text(?:bf|rm)?\{|\}|\b(?:and|or|with)\b"
    r"|(?:\\?[A-Za-z]+(?:_\{?\w+\}?)?|[a-zA-Z]\(\w\))\s*=)*"
)
_SIGN_AFTER_BOX = re.compile(r"[\s$]*(\\?%|\bpct\b|\bpercent\b|\^\{?\\circ\}?|°|\bdegrees\b)")
"""A box that holds a number only, with what it is a number of behind it."""
_JOINT_WORDS = re.compile(r"[^.\n]{0,60}\b(?:and|or)\b\W*")
_CONTRADICTED = re.compile(r"\b(?:wrong|not|instead|incorrect|no)\b", re.IGNORECASE)
_DOUBLED = re.compile(r"\\\\(?:boxed|frac|dfrac|sqrt)\s*\{")
"""Commands that were escaped once too often."""
_SPACE = re.compile(r"(?<!\\)\\ ")
_SMALL_WORDS = frozenset("is it to of we so be an as at by if in on no he la el le es il".split())
_LONG = 20_000
"""Characters at the end of a text in which words are looked for; a box may stand anywhere."""


_DENIED = re.compile(r",?\s+(?:and\s+)?(?:not|rather than|instead of)\s+(?=[-\d$\\(])")
"""`42, not 41`: what is denied behind an answer."""
_IS_THE_ANSWER = re.compile(
    r"(?:(?:so|thus|hence|therefore),?\s+)?(\S.{0,60}?)\s+is\s+(?:the|our)\s+"
    r"(?:final\s+|correct\s+|only\s+)?(?:answer|solution)\b.*",
    re.IGNORECASE,
)
_REFUTED = re.compile(r"\bis (?:not (?:the|our|my|correct|right)|wrong|incorrect)\b", re.IGNORECASE)
_CONNECTIVE = re.compile(
    r"(?:so|thus|hence|therefore|then|finally|ans)[,.:]?\s+(?=\S{1,40}$)", re.IGNORECASE
)


class Where(StrEnum):
    """The mark by which an answer was recognised, best first."""

    BOX = "box"
    BARE_BOX = "box without braces"
    WHOLE = "whole text"
    TAG = "tag"
    HASHES = "####"
    WORDS = "answer is"
    OUTPUT = "output of code"
    FORMULA = "last formula"
    BOLD = "bold type"
    LINE = "last line"
    NUMBER = "last number"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Extraction:
    """The final answer of a text, if it has one."""

    answer: str | None
    """Never empty and never padded; `None` when nothing was found."""
    where: Where
    reason: str
    """Why nothing was found, or what is odd about what was; otherwise empty."""


def final_answer(text: str) -> Extraction:
    """Return the content of the last balanced box, else what follows the last `answer is`."""
    boxed = _boxed(text)
    if boxed is not None:
        return boxed
    for match in reversed(list(_BARE_BOX.finditer(text[-_LONG:]))):
        return Extraction(match[1], Where.BARE_BOX, "there is no box")
    for where, pattern in ((Where.HASHES, _HASHES), (Where.WORDS, _WORDS)):
        for start in reversed([match.end() for match in pattern.finditer(text, _start(text))]):
            if answer := _phrase(text[start : _line_end(text, start)]):
                return Extraction(answer, where, "there is no box")
    return Extraction(None, Where.NOWHERE, _why_nothing(text))


def stated_answer(text: str) -> Extraction:
    """Return the answer of a text in which there is one, but perhaps only in passing.

    For text known to be an answer or a response: `final_answer`, and failing that the best guess.
    """
    if _DOUBLED.search(text):
        text = text.replace("\\\\", "\\")
    found = final_answer(text)
    if found.where is Where.BOX and found.answer is not None:
        return _overruled(text) or found
    if found.where is Where.BARE_BOX or not text.strip():
        return found
    if "not closed" in found.reason and text.lstrip(" $").startswith((r"\boxed", r"\fbox")):
        rest = re.sub(r"^[\s$]*\\[a-z]+box(?:ed)?\s*\{|^[\s$]*\\boxed\s*\{", "", text)
        return Extraction(rest.strip(" $") or None, Where.BOX, "the box is not closed")
    if found.where is Where.NOWHERE and "box" in text and "no box" not in found.reason:
        return found  # an empty box, or one that was cut off
    text = text[-_LONG:]
    for match in reversed(list(_TAGGED.finditer(text))):
        if answer := (match[1] or match[2] or "").strip():
            return Extraction(answer, Where.TAG, "there is no box")
    text = _CHAT.sub("", _FAREWELL.sub("", text))
    text = _SPACE.sub(" ", text).strip()
    if not _is_prose(text) and found.answer is None:
        return Extraction(text.strip(), Where.WHOLE, "")
    if found.answer is not None:
        answer = _contradicted(untexted(found.answer))
        if _is_prose(answer) and not re.match(r"\(?[A-J]\b", answer):
            guess = _guessed(answer)
            answer = guess.answer or answer
        return Extraction(_without_unit(answer), found.where, found.reason)
    if outputs := _OUTPUT.findall(text):
        if answer := next((part for part in outputs[-1] if part), "").strip():
            return Extraction(answer.splitlines()[-1].strip(), Where.OUTPUT, "there is no box")
    if line := _ANSWER_LINE.search(text):
        return Extraction(line[1].strip(" *$"), Where.WORDS, "there is no box")
    if _CODE.search(_FENCED.sub(" ", text)):
        return Extraction(text, Where.WHOLE, "a program, not an answer")
    guess = _guessed(untexted(text))
    return Extraction(text, guess.where, guess.reason) if guess.where is Where.WHOLE else guess


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
    if _CONTRADICTED.search(text):
        return ""
    text = text.strip()
    if match := _LABELLED.fullmatch(text):
        return match[1].strip("$ ")
    match = _NAMED_ANSWER.fullmatch(text)
    found = (match[1] or match[2]).strip(" $*") if match else ""
    return "" if _is_prose(found) else found


def statement(text: str) -> str:
    """Return what a single sentence says something is, `The least value is $3$.`; or nothing."""
    match = _STATEMENT.fullmatch(text.strip())
    if match is None or _CONTRADICTED.search(text):
        return ""
    return next(group for group in match.groups() if group).strip()


def untexted(text: str) -> str:
    r"""Return prose without the commands that hold it: `\text{the sum is }5`."""
    return _TEXT.sub(r"\1", text)


def _overruled(text: str) -> Extraction | None:
    """A `final answer is` after the last box, which has the last word."""
    marks = [match.end() for match in _FINAL.finditer(text, _start(text))]
    if not marks or marks[-1] < text.rfind("boxed{") or marks[-1] < text.rfind("boxed {"):
        return None
    answer = _phrase(text[marks[-1] : _line_end(text, marks[-1])])
    if not answer or _is_prose(answer):
        return None
    return Extraction(answer, Where.WORDS, "after the last box")


def _start(text: str) -> int:
    return max(0, len(text) - _LONG)


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _boxed(text: str) -> Extraction | None:
    spans, unclosed = _boxes(text)
    if not spans:
        reason = "the box is not closed: the text may be truncated"
        return Extraction(None, Where.NOWHERE, reason) if unclosed else None
    parts = [text[slice(*spans[-1])].strip()]
    for (_, end), (start, _) in reversed(list(zip(spans, spans[1:], strict=False))):
        between = text[end + 1 : start]
        between = re.sub(r"\\(?:begin)?(?:boxed|fbox)\s*\{$", "", between)
        if not _joins(between):
            break
        parts.insert(0, text[slice(*(spans[len(spans) - len(parts) - 1]))].strip())
    if not parts[-1]:
        return Extraction(None, Where.NOWHERE, "the last box is empty")
    distinct = list(dict.fromkeys(part for part in parts if part))
    note = "a later box is not closed" if unclosed else ""
    if len(distinct) > 1:
        note = note or f"{len(distinct)} boxes, joined"
    answer = ", ".join(distinct)
    if after := _SIGN_AFTER_BOX.match(text, spans[-1][1] + 1):
        answer += after[1]
    return Extraction(answer, Where.BOX, note)


def _joins(between: str) -> bool:
    """Whether what stands between two boxes makes them parts of one answer."""
    if len(between) > 80 or _CONTRADICTED.search(between):
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


def _is_prose(text: str) -> bool:
    """Whether the text says more than an answer: several sentences, or words before mathematics."""
    if "\n" in text.strip() and not re.search(r"\\begin|\\\\", text):
        return True
    outside = re.sub(r"\\(?:text|mbox)[a-z]*\s*\{", "{ ", text)
    outside = re.sub(r"\\[a-zA-Z]+\s*\{[^{}]*\}|\\[a-zA-Z]+", " ", outside)
    found = [w for w in _PROSE.findall(outside) if len(w) > 2 or w.lower() in _SMALL_WORDS]
    return len(found) > 2 or bool(_OTHER_SCRIPT.search(text))


def _contradicted(answer: str) -> str:
    """What is said to be right, after `not A, it is B`."""
    if re.match(r"not\b", answer, re.IGNORECASE):
        match = re.search(r"\b(?:it is|it's|but)\s+(.*)", answer, re.IGNORECASE)
        return match[1] if match else answer
    return answer


def _guessed(text: str) -> Extraction:
    """The answer of a text without marks: from its last sentence that has something to offer."""
    bold = _BOLD.findall(text)
    for sentence in reversed([s.strip() for s in _SENTENCE.split(text) if s and s.strip()][-6:]):
        if _REFUTED.search(sentence):
            continue
        formulas = [next(g for g in m if g) for m in _FORMULA.findall(sentence)]
        stated = _STATED.search(_FORMULA.sub(" ", sentence)) if formulas else None
        if formulas and not (stated and re.search(r"\d", stated[1])):
            return Extraction(formulas[-1].strip(), Where.FORMULA, "no box, and no 'answer is'")
        if bold and bold[-1] in sentence and re.search(r"\d", bold[-1]):
            return Extraction(_without_unit(bold[-1]), Where.BOLD, "no box, and no 'answer is'")
        if "\n" in sentence:
            sentence = sentence.splitlines()[-1].strip()
        if (named := _IS_THE_ANSWER.fullmatch(sentence)) and not _is_prose(named[1]):
            return Extraction(named[1].strip(" *"), Where.LINE, "no box, and no 'answer is'")
        sentence = (
            _CONNECTIVE.sub("", sentence, count=1) if _CONNECTIVE.match(sentence) else sentence
        )
        if not _is_prose(sentence) and re.search(r"[\dA-Za-z]", sentence):
            return Extraction(_without_unit(sentence), Where.LINE, "no box, and no 'answer is'")
        if _OTHER_SCRIPT.search(sentence):
            runs = [run for run in _ASCII.findall(sentence) if re.search(r"\d", run)]
            if runs and not _is_prose(runs[-1]):
                answer = runs[-1].rpartition("=")[2].strip(" *,;:$")
                return Extraction(answer, Where.NUMBER, "no box, and no 'answer is'")
        tail = _STATED.search(sentence)
        equated = sentence.rfind("=") > (tail.start(1) if tail else -1)
        if equated and (value := sentence.rpartition("=")[2].strip()):
            number = _NUMBER.match(value)
            value = number[0] if number and not value.startswith("\\") else value
            return Extraction(value, Where.LINE, "no box, and no 'answer is'")
        if tail:
            rest = tail[1].strip(" *$")
            rest = _STATED.search(rest)[1] if _STATED.search(rest) else rest  # type: ignore[index]
            number = _NUMBER.match(rest)
            if number or not _is_prose(rest):
                answer = number[0] if number and _is_prose(rest) else rest
                return Extraction(_without_unit(answer), Where.LINE, "no box, and no 'answer is'")
        numbers = _NUMBER.findall(sentence)
        if numbers:
            return Extraction(numbers[-1].strip(), Where.NUMBER, "no box, and no 'answer is'")
    return Extraction(text, Where.WHOLE, "no box, and no 'answer is'")


_FENCED = re.compile(r"```.*?```", re.DOTALL)
_CODE = re.compile(
    r"__\w+__|\b(?:chr|open|print|exec|eval|getattr|system|import_module)\s*\("
    r"|[A-Za-z_]\w*\(\s*(?:\[[^\]]*\]\s*,\s*)?['\"]"
)
"""Calls and names that no prose has: nothing is searched for between them."""
_NUMBER_AND_UNIT = re.compile(
    r"([-−]?(?:\\?\$\s?)?\d+(?:(?:,|\{,\}|\\,|,\\!)\d{3})*(?:\.\d+)?)"
    r"\s*(?:[\u4e00-\u9fff]{1,4}|[€£¥$]|[mgsl][²³]?|(?:c|k|m)[mgl][²³]?)\.?"
)


def _without_unit(answer: str) -> str:
    """A number in prose without the unit that is glued to it."""
    answer = answer.strip()
    number = _NUMBER_AND_UNIT.fullmatch(answer)
    return number[1] if number else answer


def _why_nothing(text: str) -> str:
    return "no box, and no 'answer is'" if text.strip() else "no text"


def _phrase(rest: str) -> str:
    """The answer at the start of the rest of a line."""
    rest = _TAG.split(rest, maxsplit=1)[0].strip(" \t*").removeprefix("}").lstrip()
    if delimited := _DELIMITED.match(rest):
        after = rest[delimited.end() :].strip()
        if not after.startswith((",", "and", "or", "=")):
            return (delimited[1] or delimited[2]).strip()
    return _DENIED.split(_SENTENCE.split(rest, maxsplit=1)[0], maxsplit=1)[0].strip(" \t*$")
