"""Cuts tokens where no bracket is open, finds where a bracket closes, strips what is around."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.answers.grammar.tokens import Token

OPENING = frozenset(("(", "[", "{", "group{", "begin", "langle", "lfloor", "lceil"))
CLOSING = frozenset((")", "]", "}", "}group", "end", "rangle", "rfloor", "rceil"))
JOINTS = {"and": "and", "or": "or", "land": "and", "lor": "or", "AND": "and", "OR": "or"}
"""Words between the items of a list."""
_EDGES = frozenset((".", ",", ";", ":", '"', "`"))


def strip_ends(tokens: Sequence[Token]) -> Sequence[Token]:
    """Return the tokens without punctuation and spare braces around all of it."""
    first, last = 0, len(tokens)
    while first < last:
        end = tokens[last - 1].text
        if end in _EDGES or end in ("\\\\", "^"):  # a caret: of a degree sign that was lost
            last -= 1
        elif tokens[first].text in _EDGES or tokens[first].text == "\\\\":
            first += 1
        elif (
            tokens[first].text == "group{"
            and tokens[last - 1].text == "}group"
            and find_partner(tokens, first) == last - 1
            and not cut(tokens[first + 1 : last - 1], lambda t: t.text == ",")[1:]
        ):
            first, last = first + 1, last - 1
        else:
            break
    return tokens[first:last]


def find_partner(tokens: Sequence[Token], start: int) -> int:
    """Return where the bracket that opens at `start` closes, by any closing one; -1 if nowhere."""
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].text in OPENING:
            depth += 1
        elif tokens[index].text in CLOSING:
            depth -= 1
            if depth == 0:
                return index
    return -1


def cut(tokens: Sequence[Token], is_cut: Callable[[Token], object]) -> list[Sequence[Token]]:
    """Cut at the top level; the cutting tokens are left out."""
    pieces: list[Sequence[Token]] = []
    start = depth = 0
    for index, token in enumerate(tokens):
        if token.text in OPENING:
            depth += 1
        elif token.text in CLOSING:
            depth -= 1
        elif depth == 0 and is_cut(token):
            pieces.append(tokens[start:index])
            start = index + 1
    pieces.append(tokens[start:])
    return pieces


def find_top_level(tokens: Sequence[Token], is_wanted: Callable[[Token], object]) -> list[int]:
    """Return the places of the wanted tokens outside of all brackets."""
    depth, found = 0, []
    for index, token in enumerate(tokens):
        if token.text in OPENING:
            depth += 1
        elif token.text in CLOSING:
            depth -= 1
        elif depth == 0 and is_wanted(token):
            found.append(index)
    return found


def join_words(tokens: Sequence[Token]) -> str:
    """Return the tokens as words, with the spaces that tell them apart."""
    hidden = ("group{", "}group")
    return " ".join(token.text for token in tokens if token.text not in hidden)
