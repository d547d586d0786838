r"""Sentences: where they end, whether a text is one, and the mathematics between their words.

`The sum of 3 and 4 is 7` has two pieces of mathematics between its words: `3 and 4`, and `7`. What
the words around a piece say of it is the business of `bench.answers.responses.closing`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.answers.grammar.numerals import read_words
from bench.answers.grammar.symbols import FUNCTION_NAMES
from bench.answers.grammar.units import is_unit_word

SENTENCE = re.compile(
    r"(?:\.|!(?=\s+[A-Z]))(?:\s+|$)|\.\$+\s+|[。！।؟]|\n\n+|\s(?=(?:Therefore|Thus|Hence|So),?\s)"
    r"|[\s，；](?=因此|所以|इसलिए|لذلك|لذا|따라서|поэтому|следовательно)"
)
_TASK = re.compile(
    r"[?？]|(?:^|,)\W*(?:find|evaluate|compute|determine|calculate|solve|simplify|express|convert|write"
    r"|show|prove|consider|let|suppose|assume|what|which|how|求|设|已知|若|试)(?![a-z])",
    re.IGNORECASE,
)
"""A question, an order or a premise: it says what is wanted, and not what it is."""
CONTRADICTED = re.compile(
    r"\b(?:wrong|not|instead|incorrect|no|never|cannot|unlikely|[a-z]+n['’]t)\b", re.IGNORECASE
)
_DENIAL = re.compile(
    r"\b(?:not|never|cannot|unlikely|[a-z]+n['’]t"
    r"|(?:first|initially|originally)[ ]+(?:thought|guessed|assumed|believed))"
    r"(?:[ ]+(?:think|believe|that|this|it|the|an?|our|my|final|correct|right|answer|value|result"
    r"|be|is|to|have|equals?|really|actually|possibly|exactly))*[ :*$(\\\[{]*$",
    re.IGNORECASE,
)
"""Only small words may follow up to a value: `the number that cannot be a sum is 7` denies none."""
_DENIAL_REACH = 100

_LETTERS = r"A-Za-z\u00c0-\u024f\u1e00-\u1eff"
OTHER_SCRIPTS = r"\u0400-\u1dff\u2e80-\ud7ff\uf900-\ufaff"
"""Those that no formula uses: Cyrillic, Devanagari, Chinese and others."""
_OTHER_WORDS = re.compile(f"[{OTHER_SCRIPTS}]{{2,}}")
_PROSE = re.compile(r"(?<![\\{])(?<![^\W\d_])[^\W\d_]{2,}(?![^\W\d_}])")
_TEXT_COMMAND = re.compile(r"\\(?:text|mbox)[a-z]*\s*\{")
_COMMAND = re.compile(r"\\[a-zA-Z]+\s*\{[^{}]*\}|\\[a-zA-Z]+")
_SMALL_WORDS = frozenset(
    "is it to of we so be an as at by if in on no he la el le es il and or are for the has can get "
    "was not".split()
)
_AMPLE = 600
"""Characters in which a text that is prose shows it."""


def is_task(sentence: str) -> bool:
    """Whether a sentence asks for an answer, or says what is given, and so states none."""
    return bool(_TASK.search(sentence))


def is_denied(text: str, at: int) -> bool:
    """Whether the words right before a place deny what stands there: `I don't think it is`."""
    return bool(_DENIAL.search(text[max(0, at - _DENIAL_REACH) : at]))


def is_prose(text: str) -> bool:
    """Whether the text says more than an answer: several lines, or words before mathematics."""
    if "\n" in text.strip() and not re.search(r"\\begin|\\\\", text):
        return True
    text = text[:_AMPLE]
    if not text.isascii() and _OTHER_WORDS.search(text):
        return True
    if "\\" in text:
        text = _COMMAND.sub(" ", _TEXT_COMMAND.sub("{ ", text))
    found = 0
    for word in _PROSE.findall(text):
        found += len(word) > 2 or word.lower() in _SMALL_WORDS
        if found > 2:
            return True
    return False


@dataclass(frozen=True, slots=True)
class Piece:
    """Mathematics in a sentence, with the words since the piece before it and until the next."""

    text: str
    before: tuple[str, ...]
    """In lower case."""
    after: tuple[str, ...]
    pointed: bool
    """Whether a colon points at it."""
    denied: bool
    """Whether the words before it say that it is not so."""


_TOKEN = re.compile(
    r"(?P<formula>\$\$[^$]+\$\$|(?<!\\)\$[^$\n]+\$|\\\(.+?\\\)|\\\[.+?\\\])"
    r"|(?P<command>\\[A-Za-z]+)"
    rf"|(?P<word>(?<![{_LETTERS}_^{{\d])(?:[{_LETTERS}]+['’][a-z]+(?![{_LETTERS}])"
    rf"|[{_LETTERS}]{{2,}}(?:-[{_LETTERS}]{{2,}})*|[éèÉÈ]|[aIà](?=\s[a-z]{{2}}))|[{OTHER_SCRIPTS}]+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_MATHEMATICS = re.compile(r"[\dA-Za-z\\\u0391-\u03c9∞∅ℝℤℕℚℂ]")
_OPERATOR_AHEAD = re.compile(r"\s*(?:[+*/^_=<>≤≥≠≈]|\()")
_OPERATOR_BEHIND = re.compile(r"[+*/^_=(-]\s*$")
_JOINTS = {
    **dict.fromkeys(("and", "和", "与", "及", "以及"), "and"),
    **dict.fromkeys(("or", "或", "或者"), "or"),
}
"""Words between the items of a list."""
_MANY_LETTERS = 3
"""A longer run of letters behind an operator is a word."""


def cut_pieces(sentence: str) -> list[Piece]:
    """Return the mathematics of a sentence, in order."""
    found: list[tuple[str, list[str], bool, bool]] = []
    words: list[str] = []
    run = ""
    begun = 0

    def end_run() -> None:
        """Put the mathematics that was read so far among what was found, if it is any."""
        nonlocal words, run
        text = _without_punctuation(run)
        if _MATHEMATICS.search(text):
            if found and len(words) == 1 and words[0] in _JOINTS:
                first, before, pointed, denied = found.pop()
                joined = f"{first} {_JOINTS[words[0]]} {text}"
                found.append((joined, before, pointed, denied))
            else:
                pointed = run.lstrip().startswith((":", "："))
                found.append((text, words, pointed, is_denied(sentence, begun)))
            words = []
        run = ""

    for match in _TOKEN.finditer(sentence):
        begun = begun if run else match.start()
        if match.lastgroup != "word":
            run += match[0]
        elif (text := _as_mathematics(match[0], run, sentence, match.end())) is not None:
            run += text
        else:
            end_run()
            words.append(match[0].lower())
    end_run()
    behind = [*(before for _, before, _, _ in found[1:]), words][: len(found)]
    return [
        Piece(text, tuple(before), tuple(after), pointed, denied)
        for (text, before, pointed, denied), after in zip(found, behind, strict=True)
    ]


def _as_mathematics(word: str, before: str, sentence: str, end: int) -> str | None:
    """What letters stand for where they are no word: a number, a unit, a function, a product."""
    number = read_words(word.lower().split("-"))
    if number is not None and not word.lower().startswith("one"):
        return f" {number} "  # `one` is a pronoun more often than a number
    if not word.isascii():
        return None
    if before.rstrip()[-1:].isdigit() and is_unit_word(word) and word.islower():
        return word
    if word.lower() in _SMALL_WORDS:
        return None
    if word in FUNCTION_NAMES or sentence[end : end + 1] == "(":
        return word
    if _OPERATOR_AHEAD.match(sentence, end) and sentence[end : end + 2] != " (":
        return word
    if len(word) <= _MANY_LETTERS and _OPERATOR_BEHIND.search(before[-4:]):
        return word
    return None


def _without_punctuation(text: str) -> str:
    """The text without commas, quotes and bold type around it, and brackets that hold words."""
    text = text.strip(" \t\n,;:*。，、：；\"'`?□∎")
    text = text.rstrip(" \t\n,;:.*–-")
    if text.startswith(".") and not text[1:2].isdigit():
        text = text[1:].lstrip()
    for opening, closing in ("()", "[]", "{}"):
        if text.endswith(opening):
            text = text[:-1].rstrip(" ,;:")
        if text.startswith(closing):
            text = text[1:].lstrip(" ,;:")
    return text
