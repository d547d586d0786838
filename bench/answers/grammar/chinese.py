r"""Mathematics that is written in Chinese words, as LaTeX: 根号3, 三分之二, 负5, 百分之60, 2派.

Only words that mean nothing else beside a number: 加 and 减 are left to the sentence. Linear.
"""

from __future__ import annotations

import re

_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_NUMERAL = r"[零一二两三四五六七八九十百千]+"
_VALUE = rf"(?:\d+(?:\.\d+)?|{_NUMERAL}|[a-zA-Zπ]|\\[a-z]+(?:\{{[^{{}}]*\}})*|\([^()]*\))"
_ROOT = re.compile(
    rf"(?:([三四])次)?根号(?:下)?\s*(\d+(?:\.\d+)?|{_NUMERAL}|[a-zA-Z]|\([^()]*\)|\{{[^{{}}]*\}})"
)
_PER_CENT = re.compile(rf"百分之\s*(\d+(?:\.\d+)?|{_NUMERAL})")
_FRACTION = re.compile(rf"({_VALUE})\s*分之\s*((?:\d+|{_NUMERAL})?\s*{_VALUE})")
_NEGATIVE = re.compile(rf"负\s*(?=\d|\\|[a-zA-Zπ]|{_NUMERAL}(?![\u4e00-\u9fff]))")
_PI = re.compile(r"(?<=[\d}])\s*派(?![\u4e00-\u9fff])|^\s*派\s*$")
_POWER = re.compile(
    r"(?<=[\d}a-zA-Z)])\s*的?(平方|立方)(?!\s*(?:米|厘米|千米|分米|公里|根|和|差|公|单))"
)
_WHOLE = re.compile(rf"\s*(-?)({_NUMERAL})\s*")


def spell_in_latex(text: str) -> str:
    """Return the text with the mathematics in its Chinese words as commands."""
    if "根号" in text:
        text = _ROOT.sub(_root, text)
    if "分之" in text:
        text = _PER_CENT.sub(lambda m: rf"{_digits(m[1])}\%", text)
        text = _FRACTION.sub(lambda m: rf"\frac{{{_digits(m[2])}}}{{{_digits(m[1])}}}", text)
    if "负" in text:
        text = _NEGATIVE.sub("-", text)
    text = _POWER.sub(lambda m: "^2" if m[1] == "平方" else "^3", _PI.sub(r"\\pi ", text))
    if whole := _WHOLE.fullmatch(text):
        return whole[1] + _digits(whole[2])
    return text


def _root(match: re.Match[str]) -> str:
    degree = "" if match[1] is None else f"[{_DIGITS[match[1]]}]"
    return rf"\sqrt{degree}{{{_digits(match[2].strip('{}'))}}}"


def _digits(text: str) -> str:
    """A numeral in Chinese as digits; anything else as it stands."""
    if not text or any(c not in _DIGITS and c not in _SCALES for c in text):
        return text
    if not any(c in _SCALES for c in text):
        return "".join(str(_DIGITS[c]) for c in text)
    total, digit = 0, None
    for character in text:
        if character in _SCALES:
            total += (1 if digit is None else digit) * _SCALES[character]
            digit = None
        else:
            digit = _DIGITS[character]
    return str(total + (digit or 0))
