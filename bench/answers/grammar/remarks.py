r"""Reads what is said around an answer: for which cases it holds, what kind of thing it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.answers.expressions import (
    EXPRESSIONS,
    ONE,
    ZERO,
    Answer,
    Group,
    Qualified,
    Relation,
    Symbol,
    Text,
    variables,
)
from bench.answers.grammar.cutting import (
    JOINTS,
    cut,
    find_partner,
    find_top_level,
    join_words,
    strip_ends,
)
from bench.answers.grammar.symbols import PRODUCT_LETTERS
from bench.answers.grammar.tokens import Token

_QUALIFIERS = frozenset(
    "for where with when if such given since because whenever provided any otherwise forall "
    "respectively approximately".split()
)


_CASES = frozenset(("for", "when", "if", "forall", "otherwise", "whenever"))


_WHOLE = tuple(map(Symbol, ("mathbb Z", "mathbb N", "Z", "N", "N'", "Z'", "N_+", "Z_+")))
_COUNTERS = frozenset("n m k".split())


_INTRODUCTIONS = frozenset(
    "the interval set point points pair pairs value values range domain solution solutions answer "
    "answers ordered triple triples vector matrix is are".split()
)


Inner = Callable[[Sequence[Token]], Answer]
"""Reads what stands inside: any answer."""


def cut_qualification(tokens: Sequence[Token], answer: Inner) -> Answer | None:
    """An answer, and then in words for which cases; of the words, what can be read is kept."""
    if bare := _without_note(tokens):
        found = answer(tokens[:bare])
        if not isinstance(found, Text):
            return under(found, _conditions(tokens[bare + 1 : -1], answer))
    if not any(len(t.text) > 1 and t.text.lower() in _QUALIFIERS for t in tokens):
        return None
    places = find_top_level(
        tokens, lambda t: t.kind in ("word", "letters", "cmd") and t.text.lower() in _QUALIFIERS
    )
    if not places or places[0] == 0:
        return None
    if tokens[places[0]].text.lower() in _CASES and _goes_on(tokens[places[0] + 1 :]):
        return None
    found = answer(tokens[: places[0]])
    note = join_words(tokens[places[0] :])
    conditions = _conditions(tokens[places[0] + 1 :], answer)
    if isinstance(found, Relation):
        return replace(found, note=note, conditions=conditions)
    return None if isinstance(found, Text) else Qualified(found, note, conditions)


def under(x: Answer, conditions: tuple[Answer, ...]) -> Answer:
    """Return an answer with conditions, where there are any."""
    if not conditions:
        return x
    if isinstance(x, Relation):
        return replace(x, conditions=(*x.conditions, *conditions))
    return Qualified(x, conditions=conditions)


def _conditions(tokens: Sequence[Token], answer: Inner) -> tuple[Answer, ...]:
    r"""The relations on single letters that a remark states: `a, b > 0`, `k \in Z`."""
    pieces = cut(tokens, lambda t: t.text in (",", ";") or t.text in JOINTS)
    read = [answer(piece) for piece in pieces if strip_ends(piece)]
    found: list[Answer] = []
    names: list[Answer] = []
    for each in read:
        if isinstance(each, Symbol):
            names.append(each)
            continue
        if isinstance(each, Relation) and isinstance(each.sides[0], Symbol):
            found += [replace(each, sides=(name, *each.sides[1:])) for name in names]
            found.append(each)
        names = []
    return tuple(found)


def _goes_on(tokens: Sequence[Token]) -> bool:
    """Whether an answer follows what was said of the case: `2 if n is odd, 3 if it is even`."""
    pieces = cut(tokens, lambda t: t.text in (",", ";", "\\\\") or t.text in JOINTS)[1:]
    return any(
        strip_ends(piece)
        and (
            any(t.text == "=" for t in piece)
            or any(t.text.lower() in _CASES for t in piece)
            or strip_ends(piece)[0].kind == "num"
        )
        for piece in pieces
    )


def _without_note(tokens: Sequence[Token]) -> int:
    """Where a remark in brackets begins, as in `5 (need both)`; 0 without one."""
    if tokens[-1].text != ")":
        return 0
    last = len(tokens) - 1
    opened = (
        k for k in range(1, last) if tokens[k].text == "(" and find_partner(tokens, k) == last
    )
    start = next(opened, 0)
    inside = tokens[start + 1 : -1]
    if not start or not inside:
        return 0
    if any(t.text == "in" and t.kind == "cmd" for t in inside):
        return start  # `k\pi (k \in Z)`
    if len(inside) > 2 and inside[1].text in ("is", "are", "denotes"):
        return start  # `x + C (C is any constant)`
    words = [t for t in inside if t.kind in ("word", "letters") and len(t.text) > PRODUCT_LETTERS]
    told = inside[0] in words and tokens[start].spaced
    phrase = [t for t in inside if t.kind == "word"]
    if told or (len(phrase) > 1 and inside[0].kind == "word"):
        return start
    return 0


def cut_introduction(tokens: Sequence[Token], answer: Inner) -> Answer | None:
    """`the interval [0, 1)`: words that only say what kind of thing follows, before mathematics."""
    start = 0
    while start < len(tokens) and tokens[start].text.lower() in _INTRODUCTIONS:
        start += 1
    if not start or start == len(tokens) or not tokens[start].spaced:
        return None
    if tokens[start].kind in ("letters", "word") or tokens[start - 1].text.lower() == "the":
        return None
    found = answer(tokens[start:])
    return None if isinstance(found, Text) else found


def says_what_n_is(x: Relation, others: Sequence[Answer]) -> bool:
    r"""Whether a condition says that a parameter is an integer: `k \in Z`, `n \ge 1` of `a_n`."""
    if x.signs == ("in",):
        free = x.sides[1] == Symbol("mathbb R") and len(others) == 1
        parameter = free and isinstance(x.sides[0], Symbol) and isinstance(others[0], Group)
        return parameter or x.sides[1] in _WHOLE
    name, bound = x.sides[0], x.sides[-1]
    if x.signs == ("<=",):
        name, bound = bound, name
    start = x.signs in ((">=",), ("<=",)) and bound in (ZERO, ONE)
    return (
        start
        and isinstance(name, Symbol)
        and name.name in _COUNTERS
        and len(others) == 1
        and name.name in _variables_on_the_right(others[0])
    )


def _variables_on_the_right(x: Answer) -> frozenset[str]:
    value = x.sides[-1] if isinstance(x, Relation) and x.signs == ("=",) else x
    return variables(value) if isinstance(value, EXPRESSIONS) else frozenset()
