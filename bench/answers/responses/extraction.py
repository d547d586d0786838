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

from bench.answers.responses.boxes import boxed_answer
from bench.answers.responses.guesses import SENTENCE, guessed_answer, is_prose, without_unit
from bench.answers.responses.marks import Extracted, Where

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


_FAREWELL = re.compile(r"I hope (?:it|this) (?:is correct|helps)[.!]?", re.IGNORECASE)


_CHAT = re.compile(r"<\|[a-z_]+\|>[^\n]{0,20}\s*$", re.IGNORECASE)


_TEXT = re.compile(r"\\(?:text|textbf|mbox)\s*\{([^{}]*)\}")


_DOUBLED = re.compile(r"\\\\(?:boxed|frac|dfrac|sqrt)\s*\{")
"""Commands that were escaped once too often."""


_SPACE = re.compile(r"(?<!\\)\\ ")


_LONG = 20_000
"""Characters at the end of a text in which words are looked for; a box may stand anywhere."""


_DENIED = re.compile(r",?\s(?:and\s)?(?:not|rather than|instead of)\s(?=[-\d$\\(])")
"""`42, not 41`: what is denied behind an answer."""


def final_answer(text: str) -> Extracted:
    """Return the content of the last balanced box, else what follows the last `answer is`."""
    boxed = boxed_answer(text)
    if boxed is not None:
        return boxed
    for match in reversed(list(_BARE_BOX.finditer(text[-_LONG:]))):
        return Extracted(match[1], Where.BARE_BOX, "there is no box")
    for where, pattern in ((Where.HASHES, _HASHES), (Where.WORDS, _WORDS)):
        for start in reversed([match.end() for match in pattern.finditer(text, _start(text))]):
            if answer := _phrase(text[start : _line_end(text, start)]):
                return Extracted(answer, where, "there is no box")
    return Extracted(None, Where.NOWHERE, _why_nothing(text))


def stated_answer(text: str) -> Extracted:
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
        return Extracted(rest.strip(" $") or None, Where.BOX, "the box is not closed")
    if found.where is Where.NOWHERE and "box" in text and "no box" not in found.reason:
        return found  # an empty box, or one that was cut off
    text = text[-_LONG:]
    for match in reversed(list(_TAGGED.finditer(text))):
        if answer := (match[1] or match[2] or "").strip():
            return Extracted(answer, Where.TAG, "there is no box")
    text = _CHAT.sub("", _FAREWELL.sub("", text))
    text = _SPACE.sub(" ", text).strip()
    if not is_prose(text) and found.answer is None:
        return Extracted(text.strip(), Where.WHOLE, "")
    if found.answer is not None:
        answer = _contradicted(remove_text_commands(found.answer))
        if is_prose(answer) and not re.match(r"\(?[A-J]\b", answer):
            guess = guessed_answer(answer)
            answer = guess.answer or answer
        return Extracted(without_unit(answer), found.where, found.reason)
    if outputs := _OUTPUT.findall(text):
        if answer := next((part for part in outputs[-1] if part), "").strip():
            return Extracted(answer.splitlines()[-1].strip(), Where.OUTPUT, "there is no box")
    if line := _ANSWER_LINE.search(text):
        return Extracted(line[1].strip(" *$"), Where.WORDS, "there is no box")
    if _CODE.search(_FENCED.sub(" ", text)):
        return Extracted(text, Where.WHOLE, "a program, not an answer")
    guess = guessed_answer(remove_text_commands(text))
    return Extracted(text, guess.where, guess.reason) if guess.where is Where.WHOLE else guess


def remove_text_commands(text: str) -> str:
    r"""Return prose without the commands that hold it: `\text{the sum is }5`."""
    return _TEXT.sub(r"\1", text)


def _overruled(text: str) -> Extracted | None:
    """A `final answer is` after the last box, which has the last word."""
    marks = [match.end() for match in _FINAL.finditer(text, _start(text))]
    if not marks or marks[-1] < text.rfind("boxed{") or marks[-1] < text.rfind("boxed {"):
        return None
    answer = _phrase(text[marks[-1] : _line_end(text, marks[-1])])
    if not answer or is_prose(answer):
        return None
    return Extracted(answer, Where.WORDS, "after the last box")


def _start(text: str) -> int:
    return max(0, len(text) - _LONG)


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end


def _contradicted(answer: str) -> str:
    """What is said to be right, after `not A, it is B`."""
    if re.match(r"not\b", answer, re.IGNORECASE):
        match = re.search(r"\b(?:it is|it's|but)\s+(.*)", answer, re.IGNORECASE)
        return match[1] if match else answer
    return answer


_FENCED = re.compile(r"```.*?```", re.DOTALL)


_CODE = re.compile(
    r"__\w+__|\b(?:chr|open|print|exec|eval|getattr|system|import_module)\s*\("
    r"|[A-Za-z_]\w*\(\s*(?:\[[^\]]*\]\s*,\s*)?['\"]"
)
"""Calls and names that no prose has: nothing is searched for between them."""


def _why_nothing(text: str) -> str:
    return "no box, and no 'answer is'" if text.strip() else "no text"


def _phrase(rest: str) -> str:
    """The answer at the start of the rest of a line."""
    rest = _TAG.split(rest, maxsplit=1)[0].strip(" \t*").removeprefix("}").lstrip()
    if delimited := _DELIMITED.match(rest):
        after = rest[delimited.end() :].strip()
        if not after.startswith((",", "and", "or", "=")):
            return (delimited[1] or delimited[2]).strip()
    return _DENIED.split(SENTENCE.split(rest, maxsplit=1)[0], maxsplit=1)[0].strip(" \t*$")
