r"""Finds the final answer in what a model wrote, says where, or why there is none.

A box wins over words, and the last one over earlier ones; boxes joined by "and" are one answer of
several parts. The order of the other marks, and why, is that of `Where`. What is found is returned
as it stands: reading it is the comparers' business. A text may have any length, and is read in
time linear in it.
"""

from __future__ import annotations

import re

from bench.answers.grammar.spelling import restore_backslashes
from bench.answers.responses.boxes import boxed_answer, without_code
from bench.answers.responses.closing import UNMARKED, closing_answer
from bench.answers.responses.guesses import guessed_answer, is_cut_off, without_unit
from bench.answers.responses.marks import Extracted, Where
from bench.answers.responses.sentences import cut_pieces, is_denied, is_prose
from bench.answers.responses.statements import (
    LONG,
    answer_behind_hashes,
    answer_in_words,
    keyed_answer,
    phrase,
    tagged_answer,
)

_BARE_BOX = re.compile(r"\\(?:boxed|fbox)[ \t]+([^\s{}$\\]+)")
_FINAL = re.compile(r"final answer is[ \t:*]*", re.IGNORECASE)
_STATED = re.compile(
    r"[\s\"'*“(\[{]*(?:[-+−–.]?\s*\d|[-+−]\s?(?:[A-Za-z]\b|[$\\(√∞])|[$\\√∞∅€£|±≤≥<>]"
    r"|[A-Za-z](?:\s*[-+=^_/]|\()|(?:sqrt|pi|ln|log|sin|cos|tan|exp|[Α-ω])(?![A-Za-z])"
    r"|[A-Z](?:\)|(?=[\s*]*(?:[.,;:]|$)))|(?:True|False|Yes|No)(?=[\s*.]*$))"
)
"""How an answer begins, as no remark on one does: `correct`, `verified`, `above`, `indeed 3`."""
_ANSWER_LINE = re.compile(r"answer(?:\s+is)?[ \t:*]*\n+[ \t]*([^\n]+)", re.IGNORECASE)
_OUTPUT = re.compile(
    r"```output\s*\n(.*?)```|<output>(.*?)<end_of_output>|<interpreter>(.*?)</interpreter>",
    re.DOTALL,
)
_FAREWELL = re.compile(r"I hope (?:it|this) (?:is correct|helps)[.!]?", re.IGNORECASE)
_CHAT = re.compile(r"<\|[a-z_]+\|>[^\n]{0,20}\s*$|<eo[a-z]>\s*$", re.IGNORECASE)
_TEXT = re.compile(r"\\(?:text|textbf|mbox)\s*\{([^{}]*)\}")
_DOUBLED = re.compile(r"\\\\(?:boxed|frac|dfrac|sqrt)\s*\{")
"""Commands that were escaped once too often."""
_SPACE = re.compile(r"(?<!\\)\\ (?!\s*\\?\{)")
_FENCED = re.compile(r"```.*?```", re.DOTALL)
_CODE = re.compile(
    r"__\w+__|\b(?:chr|open|print|exec|eval|getattr|system|import_module)\s*\("
    r"|[A-Za-z_]\w*\(\s*(?:\[[^\]]*\]\s*,\s*)?['\"]"
)
"""Calls and names that no prose has: nothing is searched for between them."""
_UNBOXED = "there is no box"


def final_answer(text: str) -> Extracted:
    """Return what a response marks as its answer: a box, else words, else GSM8K's `####`."""
    text = restore_backslashes(text)
    boxed = boxed_answer(text)
    if boxed is not None:
        if "```" in text and boxed_answer(plain := without_code(text)) is None:
            # The only box is one that a program would print.
            if answer := answer_in_words(plain):
                return Extracted(answer, Where.WORDS, "a box in code does not count")
        return boxed
    if "box" in text:
        for match in reversed(list(_BARE_BOX.finditer(text[-LONG:]))):
            return Extracted(match[1], Where.BARE_BOX, _UNBOXED)
    if answer := answer_in_words(text):
        return Extracted(answer, Where.WORDS, _UNBOXED)
    if answer := answer_behind_hashes(text):
        return Extracted(answer, Where.HASHES, _UNBOXED)
    return Extracted(None, Where.NOWHERE, UNMARKED if text.strip() else "no text")


def stated_answer(text: str) -> Extracted:
    """Return the answer of a text in which there is one, but perhaps only in passing.

    For text known to be an answer or a response: `final_answer`, and failing that what its end
    states, and failing that a guess, which says so.
    """
    if "\\\\" in text and _DOUBLED.search(text):
        text = text.replace("\\\\", "\\")
    found = final_answer(text)
    if found.where is Where.BOX and found.answer is not None:
        return _overruled(text) or found
    if found.where is Where.BARE_BOX or not text.strip():
        return found
    if found.where is Where.NOWHERE and "box" in found.reason and found.reason != UNMARKED:
        return _broken_box(text, found)
    text = text[-LONG:]
    if answer := tagged_answer(text):
        return Extracted(answer, Where.TAG, _UNBOXED)
    text = _SPACE.sub(" ", _CHAT.sub("", _FAREWELL.sub("", text))).strip()
    if found.answer is not None:
        return _without_words(found)
    if answer := keyed_answer(text):
        return Extracted(answer, Where.KEY, _UNBOXED)
    if not is_prose(text):
        return Extracted(text, Where.WHOLE, "")
    return _unmarked(text)


def remove_text_commands(text: str) -> str:
    r"""Return prose without the commands that hold it: `\text{the sum is }5`."""
    return _TEXT.sub(r"\1", text) if "\\" in text else text


def _broken_box(text: str, found: Extracted) -> Extracted:
    """What is in a box that is never closed, where the text is nothing else."""
    if "not closed" in found.reason and text.lstrip(" $").startswith((r"\boxed", r"\fbox")):
        rest = re.sub(r"^[\s$]*\\[a-z]+box(?:ed)?\s*\{|^[\s$]*\\boxed\s*\{", "", text)
        return Extracted(rest.strip(" $") or None, Where.BOX, "the box is not closed")
    return found


def _without_words(found: Extracted) -> Extracted:
    """What is said to be the answer, without the words of its sentence."""
    answer = _contradicted(remove_text_commands(found.answer or ""))
    if is_prose(answer) and not re.match(r"\(?[A-J]\b", answer):
        stated = closing_answer(answer)
        if stated is None and len(pieces := cut_pieces(answer)) == 1:
            if not pieces[0].denied:
                return Extracted(without_unit(pieces[0].text), found.where, found.reason)
        answer = (stated and stated.answer) or answer
    return Extracted(without_unit(answer), found.where, found.reason)


def _unmarked(text: str) -> Extracted:
    """What a text without marks states at its end, or may be taken to mean."""
    if outputs := _OUTPUT.findall(text):
        if answer := next((part for part in outputs[-1] if part), "").strip():
            return Extracted(answer.splitlines()[-1].strip(), Where.OUTPUT, _UNBOXED)
    if line := _ANSWER_LINE.search(text):
        return Extracted(line[1].strip(" *$"), Where.WORDS, _UNBOXED)
    if _CODE.search(_FENCED.sub(" ", text)):
        return Extracted(text, Where.WHOLE, "a program, not an answer")
    plain = remove_text_commands(text)
    if is_cut_off(plain):
        return Extracted(text, Where.WHOLE, "it breaks off")
    found = closing_answer(plain) or guessed_answer(plain)
    if found is None or not found.answer:
        return Extracted(text, Where.WHOLE, UNMARKED)
    return Extracted(without_unit(found.answer), found.where, found.reason)


def _overruled(text: str) -> Extracted | None:
    """A `final answer is` after the last box, which has the last word."""
    text = without_code(text) if "```" in text else text
    marks = [match.end() for match in _FINAL.finditer(text, max(0, len(text) - LONG))]
    if not marks or marks[-1] < text.rfind("boxed{") or marks[-1] < text.rfind("boxed {"):
        return None
    end = text.find("\n", marks[-1])
    stated = text[marks[-1] : len(text) if end < 0 else end]
    answer = phrase(stated)
    if not answer or is_prose(answer) or is_denied(text, marks[-1]):
        return None
    if not _STATED.match(remove_text_commands(stated)):
        return None
    return Extracted(answer, Where.WORDS, "after the last box")


def _contradicted(answer: str) -> str:
    """What is said to be right, after `not A, it is B`."""
    if re.match(r"not\b", answer, re.IGNORECASE):
        match = re.search(r"\b(?:it is|it's|but)\s+(.*)", answer, re.IGNORECASE)
        return match[1] if match else answer
    return answer
