r"""Decides one pair of texts: finds the answers in them, reads them, and asks the comparers.

Pure and in one process: the same function runs in the caller, within a small budget of time, and in
a worker, within a larger one. Several readings are tried where a comma can mean several things.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from bench.answers.canonical import normalize_spelling
from bench.answers.comparers import Finding, choices, compare
from bench.answers.comparers.words import choice_text, labelled_value, reordered
from bench.answers.conventions import Conventions
from bench.answers.expressions import Answer, Number, Quantity, Text
from bench.answers.forms import form
from bench.answers.grammar.chinese import spell_in_latex
from bench.answers.grammar.numerals import Unreadable
from bench.answers.grammar.reading import read
from bench.answers.grammar.spelling import repair_escapes
from bench.answers.grammar.tokens import Commas
from bench.answers.limits import TooLarge
from bench.answers.responses.extraction import remove_text_commands, stated_answer
from bench.answers.responses.guesses import is_bare, labelled_answer, statement
from bench.answers.responses.marks import Extracted, Where
from bench.types import Outcome


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome, or none where the caller has to ask elsewhere; and how it came about."""

    outcome: Outcome | None
    comparer: str
    reason: str
    gold_form: str = ""
    prediction_form: str = ""
    guess: Outcome | None = None
    """What a guessed answer was found to be, whether or not it counts."""


def decide(gold: str, prediction: str, conventions: Conventions) -> Decision:
    """Compare a reference with a prediction.

    Raises OutOfTime: the budget set by the caller is spent.
    """
    gold, prediction = _mended(gold), _mended(prediction)
    reference = _reference(gold)
    if not (plain := normalize_spelling(reference)):
        return Decision(Outcome.INVALID_GOLD, "none", "the reference is empty")
    if not prediction.strip():
        return Decision(Outcome.NO_ANSWER, "none", "there is no answer")
    if _same_spelling(gold, prediction):
        return _spelt(plain)
    extraction = _found(prediction)
    if extraction.answer is None:
        return Decision(Outcome.NO_ANSWER, "none", extraction.reason)
    answer = extraction.answer
    note = _note(extraction)
    if (
        (conventions.separators and normalize_spelling(answer) == plain)
        or _same_spelling(reference, answer)
        or (_same_spelling(gold, answer))
    ):
        decision = _spelt(plain, note)
    else:
        decision = _read_and_compared(reference, answer, conventions)
        if decision.outcome is not Outcome.CORRECT:
            decision = _otherwise(reference, extraction, decision, conventions)
        if note:
            decision = replace(decision, reason=f"{decision.reason} ({note})")
        if extraction.where not in _CERTAIN and len(prediction) <= _SHORT:
            # All of it may be an answer, too: a list in words, or a number with a long unit.
            text = labelled_value(reference, prediction) or prediction
            whole = _read_and_compared(reference, text.strip(), conventions)
            if whole.outcome is Outcome.CORRECT or _is_quantity(prediction):
                return whole
    if extraction.is_guess:
        return _of_guess(decision, is_bare(prediction), conventions)
    return decision


_CERTAIN = (Where.WHOLE, Where.BOX, Where.BARE_BOX)
_SPREAD = 20
"""Characters of white space, signs of money and sizes that one of an answer may be spread over."""
_SHORT = 600
"""Characters of a text that may be an answer as a whole, whatever was found in it."""


def _of_guess(decision: Decision, bare: bool, conventions: Conventions) -> Decision:
    """What a decision on a guessed answer counts as; `bare` if the text is one in a few words."""
    found = Outcome.UNPARSED if decision.outcome is None else decision.outcome
    if conventions.guess == "accept" or (conventions.guess == "report" and bare):
        return replace(decision, guess=found)
    counted = Outcome.NO_ANSWER if conventions.guess == "refuse" else Outcome.GUESSED
    reason = f"no answer is stated, and a guess would be {found}: {decision.reason}"
    return replace(decision, outcome=counted, reason=reason, guess=found)


def _mended(text: str) -> str:
    """The text with its backslashes as they were, and Chinese words for mathematics as commands."""
    text = repair_escapes(text)
    return text if text.isascii() else spell_in_latex(text)


def _is_quantity(text: str) -> bool:
    try:
        return isinstance(_cached(text.strip(), Commas.SEPARATE), Quantity)
    except TooLarge:
        return False


def _otherwise(
    reference: str, extraction: Extracted, decision: Decision, conventions: Conventions
) -> Decision:
    """The decision on what a sentence states, where a side is a sentence and no answer."""
    answer = extraction.answer or ""
    pairs = []
    if extraction.where is Where.WHOLE:
        pairs.append((reference, labelled_answer(answer)))
    if extraction.where is Where.BOX and decision.outcome is Outcome.UNPARSED:
        pairs.append((reference, stated_answer(remove_text_commands(answer)).answer or ""))
    pairs.append((reference, labelled_value(reference, answer)))
    pairs.append((statement(reference), answer))
    for gold, prediction in pairs:
        if gold and prediction:
            other = _read_and_compared(gold, prediction, conventions)
            if other.outcome is Outcome.CORRECT:
                return other
    return decision


def _note(extraction: Extracted) -> str:
    if extraction.where is Where.WHOLE:
        return ""
    return f"{'guessed from' if extraction.is_guess else 'found by'}: {extraction.where}"


def _spelt(plain: str, note: str = "") -> Decision:
    reason = "the same text but for spelling" + (f" ({note})" if note else "")
    return Decision(Outcome.CORRECT, "string", reason, plain, plain)


@lru_cache(maxsize=1024)
def _reference(gold: str) -> str:
    """The reference: what is boxed in it, else all of it; nothing is guessed from its words."""
    if "box" in gold or "answer" in gold.lower():
        extraction = stated_answer(gold)
        if extraction.where in (Where.BOX, Where.WORDS) and extraction.answer:
            return extraction.answer
    return gold


def _found(text: str) -> Extracted:
    return stated_answer(text)


_SQUEEZED = re.compile(
    r"(\\\\)|\\(?:left|right|displaystyle|quad|qquad|big|Big|bigl|bigr)(?![a-zA-Z])|\\[,;:! ()\[\]]"
    r"|\\\$|\$|~|\s|\\(?=\d)|[.\s]+$"
)
_FONTS = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mbox|operatorname)\s*\{([^{}]*)\}|\\([dt])(?=frac)"
)
_GAP = r"(?:\s|~|\\[,;: ()\[\]]|\\q?quad(?![a-zA-Z])|\$)+"
_DIGIT_GAP = re.compile(rf"(?<=[\d}}]){_GAP}(?=\d)|(?<=\d){_GAP}(?=\\frac)")
_GROUPED_DECIMALS = re.compile(r"(?<=\.)\d{3}(?:\\,\d{3})*\\,\d{1,3}(?!\\?,?\d)")


def _same_spelling(gold: str, prediction: str) -> bool:
    r"""Whether the texts differ in white space, dollar signs and sizes alone.

    What stands between digits stays: `1 1/2` is not `11/2`, nor are `$1$ $2$` and `1\quad 2` 12.
    """
    if len(prediction) > _SPREAD * len(gold) + _SHORT:
        return False  # nobody spreads an answer so far
    return _squeezed(gold) == _squeezed(prediction) != ""


@lru_cache(maxsize=1024)
def _squeezed(text: str) -> str:
    text = text.strip().rstrip("$. \n")
    if "\\," in text:
        text = _GROUPED_DECIMALS.sub(lambda m: m[0].replace("\\,", ""), text)
    text = _DIGIT_GAP.sub("\u00a6", text)
    text = _FONTS.sub(lambda m: m[1] if m[1] is not None else "\\", text)
    return _SQUEEZED.sub(lambda m: m[1] or "", text)


def _read_and_compared(gold: str, prediction: str, conventions: Conventions) -> Decision:
    chosen = choices(gold, prediction)
    if chosen is None and (rest := choice_text(gold)) and _same_spelling(rest, prediction):
        chosen = Finding(True, "choice", "the text of the choice")
    chosen = chosen or reordered(gold, prediction)
    if chosen is not None:
        outcome = Outcome.CORRECT if chosen.equal else Outcome.WRONG
        return Decision(outcome, chosen.comparer, chosen.reason, gold.strip(), prediction.strip())
    try:
        references = _readings(gold, conventions)
    except TooLarge as e:
        return Decision(Outcome.INVALID_GOLD, "limits", f"the reference: {e}")
    try:
        answers = _readings(prediction, conventions)
    except TooLarge as e:
        return Decision(e.outcome, "limits", str(e))
    best: Decision | None = None
    for commas, answer in answers.items():
        if commas is Commas.DECIMAL:
            # The other side must have a point: `-2,1` and `-2,10` are two lists.
            if _is_decimal(references[Commas.SEPARATE]) and (answer == references[Commas.SEPARATE]):
                return _spelt(form(answer), "a decimal comma")
            continue
        reference = references.get(commas, references[Commas.SEPARATE])
        decision = _compared(gold, prediction, reference, answer, conventions)
        if decision.outcome is Outcome.CORRECT:
            return decision
        # The reading that a decimal comma makes is one more chance, never the reason to reject.
        if best is None or best.outcome is None:
            best = decision
    if Commas.THOUSANDS in references and Commas.THOUSANDS not in answers:
        decision = _compared(
            gold,
            prediction,
            references[Commas.THOUSANDS],
            answers[Commas.SEPARATE],
            conventions,
        )
        if decision.outcome is Outcome.CORRECT:
            return decision
    decimal = references.get(Commas.DECIMAL)
    if decimal is not None and _is_decimal(answers[Commas.SEPARATE]):
        if decimal == answers[Commas.SEPARATE]:
            return _spelt(form(decimal), "a decimal comma")
    assert best is not None
    return best


def _is_decimal(x: Answer) -> bool:
    return isinstance(x, Number) and x.decimals is not None


def _compared(
    gold: str, prediction: str, reference: Answer, answer: Answer, conventions: Conventions
) -> Decision:
    forms = form(reference), form(answer)
    try:
        found = compare(reference, answer, conventions)
    except TooLarge as e:
        return Decision(e.outcome, "limits", str(e), *forms)
    except (Unreadable, RecursionError, ArithmeticError, ValueError) as e:
        return Decision(Outcome.UNPARSED, "limits", f"{type(e).__name__}: {e}", *forms)
    if found.equal:
        return Decision(Outcome.CORRECT, found.comparer, found.reason, *forms)
    words = isinstance(reference, Text), isinstance(answer, Text)
    if words[1] and not words[0]:
        return Decision(Outcome.UNPARSED, found.comparer, "no expression in the answer", *forms)
    # What we cannot read may be mathematics to others, if there is any in it: `\int`, `\lim`.
    unread = words[0] and _UNREAD.search(gold) and ("\\" in prediction or not words[1])
    if found.equal is None:
        return Decision(Outcome.UNPARSED, found.comparer, found.reason, *forms)
    outcome = None if unread else Outcome.WRONG
    return Decision(outcome, found.comparer, found.reason, *forms)


_UNREAD = re.compile(r"\\(?:int|iint|oint|lim|sum|prod)(?![a-zA-Z])")
_COMMA = re.compile(r"\d(?:,|\{,\}|\\[,!;: ]|\s|~)+\d")


_THOUSANDS = re.compile(r"[\s$]*[-+]?\d{1,3}(?:(?:,|\{,\})\d{3})+[\s$]*")
_ZEROS = re.compile(r"(?=.*,0)[\s$]*[-+]?\d{1,3}(?:,\d{3})+[\s$]*")
_DECIMAL_COMMA = re.compile(r"[\s$]*[-+]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,|\{,\})\d+[\s$]*")


@lru_cache(maxsize=1024)
def _cached(text: str, commas: Commas) -> Answer:
    return read(text, commas)


def _readings(text: str, conventions: Conventions) -> dict[Commas, Answer]:
    """The ways to read a text: one, unless there are commas or gaps between digits."""
    if conventions.separators and _ZEROS.fullmatch(text):
        return {Commas.SEPARATE: _cached(text, Commas.THOUSANDS)}  # 46,000 is no list
    found = {Commas.SEPARATE: _cached(text, Commas.SEPARATE)}
    if conventions.separators and _COMMA.search(text):
        modes = [Commas.THOUSANDS]
        if _DECIMAL_COMMA.fullmatch(text) and not _THOUSANDS.fullmatch(text):
            modes.append(Commas.DECIMAL)
        for commas in modes:
            try:
                other = _cached(text, commas)
            except TooLarge:
                continue  # a list of three-digit numbers, read as one
            if other != found[Commas.SEPARATE]:
                found[commas] = other
    return found
