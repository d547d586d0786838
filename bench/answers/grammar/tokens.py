r"""Cuts an answer, in LaTeX or plain text, into tokens. Spelling is settled here, meaning later.

Font, size and spacing commands vanish; `\dfrac`, `**` and their like get one spelling. Only
the words of `\text{...}` are words for certain: a run of letters elsewhere may be `ab` or `cm`, and
keeps its kind `letters` until the parser sees where it stands. Linear in the length of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from bench.answers.grammar.commands import (
    ALIASES,
    DROPPED,
    KNOWN,
    TEXT_COMMANDS,
    UPRIGHT,
    WRAPPERS,
    known_prefix,
)
from bench.answers.grammar.units import is_unit_word
from bench.answers.limits import MAX_TOKENS, TooLarge


class Commas(Enum):
    """What a comma between digits is; texts that have one are read in more than one way."""

    SEPARATE = "separate"
    """`1,234` is two numbers."""
    THOUSANDS = "thousands"
    """`1,234` is one number, and so are `1\\,234` and `1 234`."""
    DECIMAL = "decimal"
    """`3,5` is `3.5`."""


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is num, letters, word, cmd or sym; of a command, the text is without backslash."""

    kind: str
    text: str
    spaced: bool = False
    """Whether white space stood before it."""


_THOUSANDS = (
    r"(?<![\d,])\d{1,3}(?:(?:,|\{,\}|\\[,;:]|,\\!|\\!,|\\\s|~)\d{3}){1,7}(?!,?\d)(?:\.\d+)?"
)
_TIGHT = r"(?<![\d,])\d{1,3}(?:(?:\{,\}|\\,|,\\!|\\!,)\d{3}){1,7}(?!\d)(?:\.\d+)?"
"""Separators that nobody puts between the items of a list."""
_PLAIN = (
    rf"{_TIGHT}|"
    r"\d*\.\d*(?=\\(?:overline|bar|dot)\b)|\d+(?:\.\d+)?[eE][+-]?\d+(?![\^\d])|\d+(?:\.\d+)?|\.\d+"
)
_NUMBERS = {
    Commas.SEPARATE: _PLAIN,
    Commas.THOUSANDS: rf"{_THOUSANDS}|{_PLAIN}",
    Commas.DECIMAL: rf"\d{{1,3}}(?:\.\d{{3}})+,\d+|\d+(?:,|\{{,\}})\d+|{_PLAIN}",
}
_PATTERNS = {
    commas: re.compile(
        rf"(?P<space>\s+|\\[,;:!> ()\[\]]|~|\\\\\[[-\d.a-z]*\]|\\\n)"
        rf"|(?P<num>{numbers})"
        r"|(?P<letters>[A-Za-z]+)"
        r"|\\(?P<cmd>[A-Za-z]+)\*?"
        r"|(?P<sym>\\\\|\\[{}%$&#_|*+=^-]|<=|>=|!=|=<|=>|==|\*\*|.)",
        re.DOTALL,
    )
    for commas, numbers in _NUMBERS.items()
}
_SPELT = {
    r"\{": "{", r"\}": "}", r"\%": "%", r"\$": "dollar", r"\|": "|", "<=": "le", ">=": "ge",
    "=<": "le", "=>": "ge", "!=": "ne", "==": "=", "**": "^", r"\&": "and", r"\_": "_", r"\#": "#",
    r"\*": "*", r"\+": "+", r"\-": "-", r"\=": "=", r"\^": "^",
}  # fmt: skip
"""Signs with two spellings; those behind a backslash are LaTeX's, or escaped for Markdown."""
_SPACED_THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}(?: \d{3})+(?:\.\d+)?\s*")


def tokenize(text: str, commas: Commas = Commas.SEPARATE) -> list[Token]:
    """Return the tokens of a cleaned text.

    Raises TooLarge: more tokens than are read.
    """
    if commas is Commas.THOUSANDS and _SPACED_THOUSANDS.fullmatch(text):
        text = text.replace(" ", "")
    tokens: list[Token] = []
    _lex(text, commas, tokens, words=False)
    return tokens


def _lex(text: str, commas: Commas, tokens: list[Token], *, words: bool) -> None:
    position, spaced, depth = 0, False, 0
    pattern = _PATTERNS[commas]
    while position < len(text):
        # In brackets, a comma separates: (5,678) is a pair.
        match = (pattern if depth <= 0 else _PATTERNS[Commas.SEPARATE]).match(text, position)
        assert match is not None  # the last alternative takes any character
        position = match.end()
        kind, token = match.lastgroup or "sym", match[match.lastgroup or "sym"]
        if kind == "space":
            spaced = True
            continue
        if kind == "cmd":
            if token in TEXT_COMMANDS or token in WRAPPERS:
                content, position = _argument(text, position)
                if token in TEXT_COMMANDS:
                    first = len(tokens)
                    _lex(content, commas, tokens, words=True)
                    if token in UPRIGHT:
                        tokens[first:] = [_upright(t) for t in tokens[first:]]
                else:
                    tokens.append(Token("sym", "group{", spaced))
                    _lex(content, commas, tokens, words=words)
                    tokens.append(Token("sym", "}group"))
                spaced = True
                continue
            if token in DROPPED:
                if token in ("left", "right") and text[position : position + 1] == ".":
                    position += 1
                spaced = spaced or token in ("quad", "qquad")
                continue
            if token.startswith("quad") and len(token) <= len("quad") + 2:
                position -= len(token) - len("quad")  # `\\quadD`, glued to what follows
                spaced = True
                continue
            token = ALIASES.get(token, token)
            if token not in KNOWN and (known := known_prefix(token)):
                # `\\pik`: a command that lost the space after it
                position -= len(token) - len(known)
                token = ALIASES.get(known, known)
            if not token[0].isalpha():
                kind = "sym"
        elif kind == "num":
            token = _plain_number(token, commas)
        elif kind == "letters" and words:
            kind = "word" if len(token) > 1 or _is_unit_letter(token, tokens) else "letters"
        elif kind == "sym":
            if token == "$":
                spaced = True
                continue
            depth += (token in _DEEPER) - (token in _SHALLOWER)
            if token == "{":
                token = "group{"
            elif token == "}":
                token = "}group"
            else:
                token = _SPELT.get(token, token)
                if token in ("le", "ge", "ne"):
                    kind = "cmd"
                elif token in ("dollar", "and"):
                    kind = "word"
        tokens.append(Token(kind, token, spaced))
        spaced = False
        if len(tokens) > MAX_TOKENS:
            raise TooLarge(f"more than {MAX_TOKENS} tokens")


_DEEPER = frozenset(("(", "[", r"\{"))
_SHALLOWER = frozenset((")", "]", r"\}"))


def _is_unit_letter(letter: str, before: list[Token]) -> bool:
    r"""Whether a single letter of `\text{...}` is a metre or the like: right behind a value."""
    if letter not in _UNIT_LETTERS or not before:
        return False
    return before[-1].kind in ("num", "word") or before[-1].text in ("}group", ")", "/")


_UNIT_LETTERS = frozenset("m s g h l L J N W V".split())


def _upright(token: Token) -> Token:
    r"""`\mathrm{ab}` is a product in upright type, `\mathrm{cm}` a unit, `\mathrm{even}` a word."""
    short = token.kind == "word" and len(token.text) <= 3 and not is_unit_word(token.text)
    return Token("letters", token.text, token.spaced) if short else token


def _argument(text: str, position: int) -> tuple[str, int]:
    """The braced group that follows a command, or its one character, and where it ends."""
    while position < len(text) and text[position] in " \t\n":
        position += 1
    if position >= len(text) or text[position] != "{":
        return text[position : position + 1], position + 1
    depth = 0
    for index in range(position, len(text)):
        if text[index] == "{" and text[index - 1] != "\\":
            depth += 1
        elif text[index] == "}" and text[index - 1] != "\\":
            depth -= 1
            if depth == 0:
                return text[position + 1 : index], index + 1
    return text[position + 1 :], len(text)


_SEPARATOR = re.compile(r"\{,\}|\\[,!;:\s]|,|\s|~")


def _plain_number(token: str, commas: Commas) -> str:
    if commas is Commas.DECIMAL:
        token = token.replace(".", "") if "," in token else token
        return _SEPARATOR.sub(".", token)
    return _SEPARATOR.sub("", token)
