r"""Answers that are marked in words or by signs: "the answer is", `####`, a tag, a key of JSON.

The words are those of prompts in use: English, Chinese (答案, 故选, 【答案】), and the languages of
the multilingual benchmarks. The last mark that something follows counts.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from bench.answers.responses.sentences import SENTENCE, is_denied, is_prose

LONG = 20_000
"""Characters at the end of a text in which words are looked for; a box may stand anywhere."""
_NEAR = 3_000
"""Characters in which other languages than English are looked for."""

_ENGLISH = re.compile(
    r"answer(?:\s+choice)?\**(?:\s+is\b|\s+would be\b|\s*:|\s*=|(?=\s+(?:\\\(|\$)))"
    r"(?: for sure)?[ \t:*]*",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    r"(?:【\s*(?:最终|参考)?答案\s*】|(?:最终|正确|本题|选择题)?答案(?:\**\s*[：:]|应?该?[是为選选])|故[应]?[选填]|应[选填]"
    r"|(?<![回解问])答\s*[：:])[\s：:是为*]*"
)
_OTHERS = re.compile(
    r"(?:"
    r"(?:die\s+)?(?:endgültige\s+|richtige\s+)?antwort\s+(?:ist|lautet)|antwort\s*:"
    r"|(?:la\s+)?r[ée]ponse(?:\s+finale|\s+correcte)?\s+(?:est|c'est)|r[ée]ponse(?:\s+finale)?\s*:"
    r"|(?:la\s+)?respuesta(?:\s+final|\s+correcta)?\s+es|respuesta(?:\s+final)?\s*:"
    r"|(?:la\s+)?risposta(?:\s+finale|\s+corretta)?\s+[èe]|risposta(?:\s+finale)?\s*:"
    r"|(?:a\s+)?resposta(?:\s+final|\s+correta)?\s+[ée]|resposta(?:\s+final)?\s*:"
    r"|odpowied[źz](?:\s+to|\s*:|\s+brzmi)|cevap\s*:|(?:doğru\s+)?cevap\s|yanıt\s*:"
    r"|jawaban(?:nya)?(?:\s+adalah|\s*:)|jibu\s+(?:ni|sahihi ni)|jibu\s*:"
    r"|(?:câu trả lời|đáp án)(?:\s+đúng)?(?:\s+cuối cùng)?(?:\s+là|\s*:)"
    r"|(?:правильный\s+|окончательный\s+)?ответ\s*(?:[:—–-]|это|равен)|відповідь\s*[:—–-]"
    r"|(?:正解|答え)(?:は|[：:])|(?:정답|답|답변)(?:은|는|\s*:)"
    r"|(?:الإجابة|الجواب|الاجابة)(?:\s+(?:النهائية|النهائي|الصحيحة))?(?:\s+(?:هي|هو)|\s*:)"
    r"|(?:उत्तर|जवाब)(?:\s*(?:है|:))?|উত্তর(?:\s*(?:হল|হলো|:))?|సమాధానం(?:\s*:)?|คำตอบ(?:คือ|\s*:)"
    r")[ \t:*]*",
    re.IGNORECASE,
)
"""As lm-eval's MGSM, simple-evals and NeMo-Skills ask for the answer in each language."""
_IN_ASCII = "antwort ponse respuesta risposta resposta odpowied cevap jawaban jibu".split()
_IN_OTHERS = (
    "réponse odpowiedź yanıt câu đáp ответ відповідь 正解 答え 정답 답 الإجابة الجواب الاجابة "
    "उत्तर जवाब উত্তর సమాధానం คำตอบ"
).split()
"""Parts of these words, without which a text is not searched for them."""

_TAGGED = re.compile(
    r"<\|begin_of_box\|>(.*?)<\|end_of_box\|>|<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE
)
_KEY = re.compile(r"""["'](?:final[_ ]?|correct[_ ]?)?answer["']\s*:\s*""", re.IGNORECASE)
_VALUE_END = re.compile(r"\s*(?:[,}\]`\n]|$)")
_HEADING = re.compile(
    r"\W*(?:step|case|part|section|conclusion|summary|solution|note|problem|question|example|proof"
    r"|final|answer)\b|\W*\d{1,2}\s*[.)]\s+\S|\W*[a-z]\)\s",
    re.IGNORECASE,
)
_TAG = re.compile(r"<\|?/?[a-z_]+\|?>")
_DELIMITED = re.compile(r"\$+([^$]+)\$|\\\((.+?)\\\)")
_DENIED = re.compile(r",?\s(?:and\s)?(?:not|rather than|instead of)\s(?=[-\d$\\(])")
"""`42, not 41`: what is denied behind an answer."""
_QUOTES = re.compile(r"""^\\?["“”]+|\\?["“”]+$""")


def answer_in_words(text: str) -> str:
    """Return what follows the last "the answer is", in any of the languages; or nothing."""
    start = max(0, len(text) - LONG)
    near = text[-_NEAR:]
    marks = [mark for mark in _ends_in_english(text, start) if not is_denied(text, mark)]
    if not text.isascii():
        marks += [match.end() for match in _CHINESE.finditer(text, start)]
    if _has_other_words(near):
        offset = len(text) - len(near)
        marks += [offset + match.end() for match in _OTHERS.finditer(near)]
    for mark in sorted(marks, reverse=True):
        if answer := phrase(text[mark : _line_end(text, mark)]):
            return answer
    return ""


def _ends_in_english(text: str, start: int) -> list[int]:
    """Where the marks in English end; words are looked for before patterns, which cost more."""
    found = []
    for part in ("nswer", "NSWER"):
        at = text.find(part, start)
        while at >= 0:
            if at > start and (match := _ENGLISH.match(text, at - 1)):
                found.append(match.end())
            at = text.find(part, at + len(part))
    return found


def _has_other_words(text: str) -> bool:
    lowered = text.lower()
    if any(word in lowered for word in _IN_ASCII):
        return True
    return not text.isascii() and any(word in lowered for word in _IN_OTHERS)


def answer_behind_hashes(text: str) -> str:
    """Return what stands behind GSM8K's `####` on the last line, or on one with nothing after it.

    A heading of Markdown begins with the same sign, and is no answer.
    """
    at = text.rfind("####")
    if at < 0 or text[at - 1 : at] == "#" or re.search(r"[\d$]", text[_line_end(text, at) :]):
        return ""
    line = text[at + 4 : _line_end(text, at)]
    return "" if _HEADING.match(line) or is_prose(line) else phrase(line)


def tagged_answer(text: str) -> str:
    """Return what stands between the last tags around an answer, or nothing."""
    if "<" not in text:
        return ""
    found = [(m[1] or m[2] or "").strip() for m in _TAGGED.finditer(text)]
    return next((answer for answer in reversed(found) if answer), "")


def keyed_answer(text: str) -> str:
    """Return the value of the last key "answer" of JSON, also of a fragment of it; or nothing."""
    if "nswer" not in text or ":" not in text:
        return ""
    marks = [match.end() for match in _KEY.finditer(text)]
    if not marks:
        return ""
    rest = text[marks[-1] :].lstrip()
    for spelt in (rest, rest.replace("\\", r"\\")):  # LaTeX in JSON is often not escaped
        with contextlib.suppress(ValueError):
            value, end = json.JSONDecoder().raw_decode(spelt)
            if _VALUE_END.match(spelt, end):
                return _as_text(value)
    # A value that is no JSON: `2*pi`.
    quoted = re.match(r"""["'](.*?)(?<!\\)["']\s*(?:[,}\n]|$)""", rest, re.DOTALL)
    return quoted[1].strip() if quoted else re.split(r"[\n}]", rest, maxsplit=1)[0].strip(" ,")


def _as_text(value: Any) -> str:
    """A value of JSON as somebody would write it: parts of an object with their names."""
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case list():
            return ", ".join(_as_text(each) for each in value)
        case dict():
            return ", ".join(f"{name} = {_as_text(each)}" for name, each in value.items())
    text = str(value)
    if any(ord(character) < 32 and character != "\n" for character in text):
        raise ValueError("backslashes that were not doubled: `\\frac` is read as a form feed")
    return text.strip()


def phrase(rest: str) -> str:
    """Return the answer at the start of the rest of a line."""
    rest = _TAG.split(rest, maxsplit=1)[0].strip(" \t*").removeprefix("}").lstrip()
    rest = _QUOTES.sub("", rest).strip()
    if delimited := _DELIMITED.match(rest):
        after = rest[delimited.end() :].strip()
        if not after.startswith((",", "and", "or", "=")):
            return (delimited[1] or delimited[2]).strip()
    answer = _DENIED.split(SENTENCE.split(rest, maxsplit=1)[0], maxsplit=1)[0].strip(" \t*$")
    return _QUOTES.sub("", answer).strip()


def _line_end(text: str, start: int) -> int:
    end = text.find("\n", start)
    return len(text) if end < 0 else end
