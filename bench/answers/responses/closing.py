r"""What the end of a text states without a mark: a value set apart, or one that a sentence says.

In `The area is $5$` a word says of the formula that it is what the subject is. In `$x = 0$ is
stable` the formula is the subject, in `near $x = 0$` a circumstance, and neither is an answer. A
text that breaks off states nothing with its last words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.answers.responses.marks import Extracted, Where
from bench.answers.responses.sentences import (
    SENTENCE,
    Piece,
    cut_pieces,
    is_denied,
    is_prose,
    is_task,
)

UNMARKED = "no box, and no 'answer is'"
RANGE = 1500
"""Characters at the end of a text in which its last sentences are looked for."""

_COPULAS = frozenset(
    "is are was were be been equals equal becomes become gives give gave get gets got obtain "
    "obtains obtained have has had find finds found yields yield need needs needed it's that's "
    "conclude choose pick select approach approaches contains leaves costs "
    "est es son sont ist sind beträgt lautet sono são será é è tiene hay ont haben hat adalah ada "
    "wynosi jest".split()
)
"""Words that say of what comes behind them that their subject is it."""
_TO = frozenset(
    "converges tends simplifies evaluates reduces amounts equal comes approaches adds sums "
    "corresponds".split()
)
"""Words that do so with a `to`."""
_AMOUNTS = frozenset("value total probability maximum minimum".split())
"""What may have `of` and a value behind it."""
_PREPOSITIONS = frozenset(
    "at near for of on if when where with from as than over under satisfying satisfies given since "
    "because into between through per until before after whenever modulo mod divides via using "
    "assuming unless within above below like during while each every among without not no by in "
    "let suppose assume consider set substitute substituting plug recall define denote solve "
    "step case part equation inequality condition example theorem lemma figure table section "
    "problem question line exercise and or but 第 当 若 如果 令 设".split()
)
"""Words that make a circumstance, a label or a premise of what comes behind them."""
_ARTICLES = frozenset("the a an any some only exactly all about just".split())
_LEAST = re.compile(r"\bat (least|most)\b", re.IGNORECASE)
_CHANGE = re.compile(r"(?:in|de)creas(?:es|ed)|gr(?:ows|ew)|r(?:is|os)es?|drops|falls|exceeds")
_VERBS = frozenset(
    "is are was were be holds hold has have had can could will would must satisfies satisfy gives "
    "give means mean makes make does do exist exists converges diverges stays requires".split()
)
"""Words behind a piece of mathematics that make it their subject."""
_SMALL_WORDS = frozenset("of in to at on for and or that with per from as".split())
_MOST_WORDS = 5
"""Words that may stand between `is` and its value: `is the smallest number`, `has eigenvalues`."""

_CONCLUSION = re.compile(
    r"\W*(?:(?:and\s+)?(?:so|thus|hence|therefore|then|finally|overall|consequently|altogether|ans"
    r"|in (?:conclusion|total|summary|all)|we conclude|as a result|por (?:lo )?tanto|entonces|así"
    r"|donc|par conséquent|en conclusion|daher|somit|folglich|also|quindi|dunque|portanto|logo|jadi"
    r"|oleh karena itu|vậy|do đó|więc|zatem|dlatego)\b"
    r"|因此|所以|故|综上|于是|一共|总共|したがって|よって|таким образом|поэтому|итак|следовательно"
    r"|لذا|لذلك|إذن|इसलिए|अतः|따라서|그러므로)",
    re.IGNORECASE,
)
_CHINESE_COPULA = re.compile(
    r"(?:是|为|為|等于|得|得到|有|共|需|需要|剩下|还剩|选|选择|取|走了|は)$"
)
_CHINESE_SUBJECT = re.compile(r"(?:是|时|处|代入|满足|中|上|与|和|可|能)")
_SHORT_CONCLUSION = re.compile(
    r"(?:so|thus|hence|therefore|then|finally|ans)[,.:]?\s+(?=\S{1,40}$)", re.IGNORECASE
)
_THE_ANSWER = re.compile(
    r"(?:(?:so|thus|hence|therefore),?\s+)?(\S.{0,60}?)\s+is\s+(?:the|our)\s+"
    r"(?:final\s+|correct\s+|only\s+)?(?:answer|solution)\b.*",
    re.IGNORECASE,
)
_REFUTED = re.compile(
    r"\b(?:is(?: not|n['’]t) (?:the|our|my|correct|right)|is (?:wrong|incorrect))\b", re.IGNORECASE
)
_NEGATED_VERB = re.compile(r"cannot|[a-z]+n['’]t")
_EXCLUSIONS = (("cannot",), ("can't",), ("can’t",))
"""`Therefore $n$ cannot be 9` says what a letter cannot be, `it cannot be 9` denies an answer."""
_TRUTH = re.compile(r"\W*(yes|no|true|false|correct|incorrect)\s*[,.;:]", re.IGNORECASE)
_REMARK = re.compile(
    r"\s*[,;(]?\s*\bwhere\s+(?:\\\(|\$)?\\?[A-Za-z](?:_\{?\w+\}?)?(?:\$|\\\))?\s+"
    r"(?:is|are|denotes|represents|can be)\b[^.\n]*[.\s]*$"
)
_WORD_STATED = re.compile(r"\b(?:is|are|was|be|becomes)\s+([^\W\d_]+(?:\s[^\W\d_]+)?)\W*$")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_END = re.compile(r"[\s□∎■]*(?:\\(?:qed|square|blacksquare)|Q\.E\.D\.?|QED)?[\s□∎■]*$")
_BULLET = re.compile(r"\s*(?:[-*•]\s+|\(?\d{1,2}[.)]\s+)")
_NUMBER = re.compile(
    r"[-−]?(?:\\?\$\s?)?\d+(?:(?:,|\{,\}|\\,|,\\!)\d{3})*(?:\.\d+)?(?:\s?/\s?\d+)?(?:\s?\\?%)?"
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?:\s?[apAP]\.?[mM]\.?)?")
_CONTENT = re.compile(r"[^\W_]")


def closing_answer(text: str) -> Extracted | None:
    """Return what the end of the text states; None where it states nothing."""
    text = _without_end(text)[-RANGE:]
    display = _last_display(text)
    if display and not is_prose(display):
        return Extracted(display, Where.SET_OFF, UNMARKED)
    if apart := _last_lines(text):
        return Extracted(apart, Where.SET_OFF, UNMARKED)
    for place, sentence in enumerate(last_sentences(text, 3)):
        if _REFUTED.search(sentence) or is_task(sentence):
            return None
        # Before remarks on the answer comes a conclusion, and not any sentence.
        if (place == 0 or _CONCLUSION.match(sentence)) and (found := _said(sentence)):
            return found
        if cut_pieces(sentence):
            return None
    return None


def without_remark(text: str) -> str:
    """Return the text without a last clause that says what a letter is: `where C is constant`."""
    return _REMARK.sub("", text) if "where" in text else text


def last_sentences(text: str, count: int) -> list[str]:
    """Return the last sentences, the very last one first, of each its last line."""
    found = [s.strip() for s in SENTENCE.split(text[-RANGE:]) if s and _CONTENT.search(s)]
    return [s.splitlines()[-1].strip() for s in reversed(found[-count:])]


def _without_end(text: str) -> str:
    return _END.sub("", without_remark(text))


def _last_display(text: str) -> str:
    """The displayed formula that ends the text, or nothing."""
    text = text.rstrip(" \t\n.。*")
    for opening, closing in (("$$", "$$"), (r"\[", r"\]")):
        if text.endswith(closing):
            start = text.rfind(opening, 0, len(text) - 2)
            if start >= 0:
                return text[start + 2 : -2].strip(" \t\n.,")
    return ""


def _last_lines(text: str) -> str:
    """The last line where it is no prose, with the items of a list before it; or nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return ""
    items: list[str] = []
    for line in reversed(lines):
        bullet = _BULLET.match(line)
        item = line[bullet.end() :] if bullet else line
        if is_prose(item) or not _CONTENT.search(item) or (items and not bullet):
            break
        items.insert(0, item.strip(" *").removeprefix("=").strip())
        if not bullet:
            break
    return ", ".join(items)


def _said(sentence: str) -> Extracted | None:
    """What a sentence says that something is."""
    if truth := _TRUTH.match(sentence):
        return Extracted(truth[1], Where.SENTENCE, UNMARKED)
    if (named := _THE_ANSWER.fullmatch(sentence)) and not is_prose(named[1]):
        return Extracted(named[1].strip(" *"), Where.SENTENCE, UNMARKED)
    bold = [part for part in _BOLD.finditer(sentence) if not is_prose(part[1])]
    if bold and re.search(r"\d", bold[-1][1]) and not is_denied(sentence, bold[-1].start()):
        return Extracted(bold[-1][1].strip(), Where.BOLD, UNMARKED)
    concluded = _SHORT_CONCLUSION.sub("", sentence, count=1)
    if not is_prose(concluded):
        return Extracted(concluded.strip(" *"), Where.SENTENCE, UNMARKED)
    sentence = without_remark(_LEAST.sub(r"\1", sentence))
    pieces = cut_pieces(sentence)
    if pieces:
        value = value_said(pieces, concluding=bool(_CONCLUSION.match(sentence)))
    else:
        stated = _WORD_STATED.search(sentence)
        value = stated[1] if stated else ""
    return Extracted(value, Where.SENTENCE, UNMARKED) if value else None


def value_said(pieces: Sequence[Piece], *, concluding: bool) -> str:
    """Return the piece of a sentence that is what its subject is; or nothing.

    `concluding` says that the sentence draws a conclusion: then its only piece is what it is.
    """
    excluded = concluding and len(pieces) > 1 and pieces[-1].before[:1] in _EXCLUSIONS
    if pieces[-1].denied and not excluded:
        return ""
    for piece in reversed(pieces):
        if len(piece.before) > 1 and piece.before[-2] == "there":
            number = _NUMBER.match(piece.text)
            return number[0] if number and piece.after else piece.text
    last = pieces[-1]
    if is_subject(last):
        return ""
    alone = concluding and len(pieces) == 1
    equated = "=" in last.text or alone
    if not (
        last.pointed
        or _is_introduced(last.before)
        or (equated and not is_circumstance(last))
        or (alone and _CLOCK.fullmatch(last.text))
    ):
        return ""
    few = 0 < len(last.after) < 3 and not set(last.after) & _SMALL_WORDS
    counted = few and last.after[0].isascii() and _NUMBER.fullmatch(last.text)
    return " ".join((last.text, *last.after)) if counted else last.text


def is_subject(piece: Piece) -> bool:
    """Whether what follows a piece is said of it, or is one more of the same."""
    if not piece.after:
        return False
    return bool(
        piece.after[0] in ("and", "or", "but")
        or set(piece.after) & _VERBS
        or _NEGATED_VERB.fullmatch(piece.after[0])
        or _CHINESE_SUBJECT.match(piece.after[0])
    )


def is_circumstance(piece: Piece) -> bool:
    """Whether a preposition or the name of a part stands before a piece."""
    words = [word for word in piece.before if word not in _ARTICLES]
    if not words or words[-1] not in _PREPOSITIONS:
        return False
    changed = words[-1] == "by" and len(words) > 1 and _CHANGE.fullmatch(words[-2])
    return not changed and not (words[-1] == "at" and _CLOCK.fullmatch(piece.text))


def _is_introduced(before: Sequence[str]) -> bool:
    words = [word for word in before if word not in _ARTICLES][-_MOST_WORDS:]
    for at, word in reversed(list(enumerate(words))):
        ahead = words[at - 1] if at else ""
        if word in _COPULAS or _CHINESE_COPULA.search(word):
            return True
        if word == "to" and ahead in _TO:
            return True
        if word in _PREPOSITIONS:
            return bool(
                (word == "by" and _CHANGE.fullmatch(ahead)) or (word == "of" and ahead in _AMOUNTS)
            )
    return False
