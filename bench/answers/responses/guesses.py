"""The answer of a text that marks none: the last sentence that has something to offer.

Also what a short text says once the words around a value are taken away.
"""

from __future__ import annotations

import re

from bench.answers.responses.marks import Extracted, Where

_FORMULA = re.compile(r"\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)


_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")


SENTENCE = re.compile(
    r"(?:\.|!(?=\s+[A-Z]))(?:\s+|$)|\.\$+\s+|[。！।]|\n\n+|\s(?=(?:Therefore|Thus|Hence|So),?\s)"
)


_STATED = re.compile(
    r"\b(?:is|are|was|equals|equal to|be|it's|est|es|ist|é|è|donc de|get|gives|obtain|have|has)\s+"
    r"([^\n]*)$",
    re.IGNORECASE,
)


_NUMBER = re.compile(
    r"(?<!\b[A-Za-z])(?<![\d_])(?:\d{1,2}:\d{2}(?:\s?[apAP]\.?[mM]\b\.?)?|"
    r"[-−]?\\[dt]?frac\{\d+\}\{\d+\}|"
    r"[-−]?(?:\\?\$\s?)?\d+(?:(?:,|\{,\}|\\,|,\\!)\d{3})*(?:\.\d+)?(?:\s?/\s?\d+)?(?:\s?\\?%)?)"
    r"(?![\dA-Za-z])"
)


_PROSE = re.compile(r"(?<![\\{])(?<![^\W\d_])[^\W\d_]{2,}(?![^\W\d_}])")


_OTHER_SCRIPT = re.compile(r"[\u0400-\u1fff\u2e80-\ud7ff\uf900-\ufaff]{2,}")
"""Words in a script that no formula uses: Cyrillic, Devanagari, Chinese and others."""


_ASCII = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")


CONTRADICTED = re.compile(r"\b(?:wrong|not|instead|incorrect|no)\b", re.IGNORECASE)


_SMALL_WORDS = frozenset("is it to of we so be an as at by if in on no he la el le es il".split())


_IS_THE_ANSWER = re.compile(
    r"(?:(?:so|thus|hence|therefore),?\s+)?(\S.{0,60}?)\s+is\s+(?:the|our)\s+"
    r"(?:final\s+|correct\s+|only\s+)?(?:answer|solution)\b.*",
    re.IGNORECASE,
)


_REFUTED = re.compile(r"\bis (?:not (?:the|our|my|correct|right)|wrong|incorrect)\b", re.IGNORECASE)


_CONNECTIVE = re.compile(
    r"(?:so|thus|hence|therefore|then|finally|ans)[,.:]?\s+(?=\S{1,40}$)", re.IGNORECASE
)


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
    if CONTRADICTED.search(text):
        return ""
    text = text.strip()
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


def is_prose(text: str) -> bool:
    """Whether the text says more than an answer: several sentences, or words before mathematics."""
    if "\n" in text.strip() and not re.search(r"\\begin|\\\\", text):
        return True
    outside = re.sub(r"\\(?:text|mbox)[a-z]*\s*\{", "{ ", text)
    outside = re.sub(r"\\[a-zA-Z]+\s*\{[^{}]*\}|\\[a-zA-Z]+", " ", outside)
    found = [w for w in _PROSE.findall(outside) if len(w) > 2 or w.lower() in _SMALL_WORDS]
    return len(found) > 2 or bool(_OTHER_SCRIPT.search(text))


def guessed_answer(text: str) -> Extracted:
    """The answer of a text without marks: from its last sentence that has something to offer."""
    bold = _BOLD.findall(text)
    for sentence in reversed([s.strip() for s in SENTENCE.split(text) if s and s.strip()][-6:]):
        if _REFUTED.search(sentence):
            continue
        formulas = [next(g for g in m if g) for m in _FORMULA.findall(sentence)]
        stated = _STATED.search(_FORMULA.sub(" ", sentence)) if formulas else None
        if formulas and not (stated and re.search(r"\d", stated[1])):
            return Extracted(formulas[-1].strip(), Where.FORMULA, "no box, and no 'answer is'")
        if bold and bold[-1] in sentence and re.search(r"\d", bold[-1]):
            return Extracted(without_unit(bold[-1]), Where.BOLD, "no box, and no 'answer is'")
        if "\n" in sentence:
            sentence = sentence.splitlines()[-1].strip()
        if (named := _IS_THE_ANSWER.fullmatch(sentence)) and not is_prose(named[1]):
            return Extracted(named[1].strip(" *"), Where.LINE, "no box, and no 'answer is'")
        sentence = (
            _CONNECTIVE.sub("", sentence, count=1) if _CONNECTIVE.match(sentence) else sentence
        )
        if not is_prose(sentence) and re.search(r"[\dA-Za-z]", sentence):
            return Extracted(without_unit(sentence), Where.LINE, "no box, and no 'answer is'")
        if _OTHER_SCRIPT.search(sentence):
            runs = [run for run in _ASCII.findall(sentence) if re.search(r"\d", run)]
            if runs and not is_prose(runs[-1]):
                answer = runs[-1].rpartition("=")[2].strip(" *,;:$")
                return Extracted(answer, Where.NUMBER, "no box, and no 'answer is'")
        tail = _STATED.search(sentence)
        equated = sentence.rfind("=") > (tail.start(1) if tail else -1)
        if equated and (value := sentence.rpartition("=")[2].strip()):
            number = _NUMBER.match(value)
            value = number[0] if number and not value.startswith("\\") else value
            return Extracted(value, Where.LINE, "no box, and no 'answer is'")
        if tail:
            rest = tail[1].strip(" *$")
            rest = _STATED.search(rest)[1] if _STATED.search(rest) else rest  # type: ignore[index]
            number = _NUMBER.match(rest)
            if number or not is_prose(rest):
                answer = number[0] if number and is_prose(rest) else rest
                return Extracted(without_unit(answer), Where.LINE, "no box, and no 'answer is'")
        numbers = _NUMBER.findall(sentence)
        if numbers:
            return Extracted(numbers[-1].strip(), Where.NUMBER, "no box, and no 'answer is'")
    return Extracted(text, Where.WHOLE, "no box, and no 'answer is'")


_NUMBER_AND_UNIT = re.compile(
    r"([-−]?(?:\\?\$\s?)?\d+(?:(?:,|\{,\}|\\,|,\\!)\d{3})*(?:\.\d+)?)"
    r"\s*(?:[\u4e00-\u9fff]{1,4}|[€£¥$]|[mgsl][²³]?|(?:c|k|m)[mgl][²³]?)\.?"
)


def without_unit(answer: str) -> str:
    """A number in prose without the unit that is glued to it."""
    answer = answer.strip()
    number = _NUMBER_AND_UNIT.fullmatch(answer)
    return number[1] if number else answer
