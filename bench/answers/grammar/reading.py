r"""Reads an answer: what is a list, a set, an interval, an equation, a quantity, and what is prose.

Structure is found by cutting tokens at their top level, widest cut first: sentences, items,
relations, unions, brackets; what is left is an expression (`bench.answers.grammar.parsing`),
perhaps with a unit. What cannot be read is `Text`, whole. Brackets keep what they look like:
whether `(1, 2)` is a pair or an interval is decided by what it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.answers.expressions import (
    Answer,
    Expression,
    Group,
    Listing,
    Matrix,
    Relation,
    SetOf,
    SetOperation,
    Symbol,
    Text,
)
from bench.answers.grammar.cutting import (
    JOINTS,
    cut,
    find_partner,
    find_top_level,
    join_words,
    strip_ends,
)
from bench.answers.grammar.markup import remove_markup
from bench.answers.grammar.matrices import matrix_of
from bench.answers.grammar.measures import compound, quantity, ratio
from bench.answers.grammar.numerals import Unreadable
from bench.answers.grammar.parsing import parse_expression
from bench.answers.grammar.remarks import (
    cut_introduction,
    cut_qualification,
    says_what_n_is,
    under,
)
from bench.answers.grammar.spelling import clean
from bench.answers.grammar.symbols import PRODUCT_LETTERS
from bench.answers.grammar.terms import read_expression, read_spelled
from bench.answers.grammar.tokens import Commas, Token, tokenize
from bench.answers.limits import MAX_ITEMS, TooLarge, check_size

_RELATIONS = {
    "=": "=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "ne": "!=", "approx": "~", "equiv": "=",
    "in": "in", "notin": "notin", "sim": "~", "doteq": "~", "cong": "~",
}  # fmt: skip


_MODULI = ("pmod", "bmod", "mod")
_SET_OPERATIONS = frozenset(("cup", "cap", "setminus"))


_SUBJECTS = frozenset(
    "all any every the positive real integer integers number numbers values natural it is are we "
    "get have plane line circle curve equation function solution solutions answer thus so hence "
    "then therefore only".split()
)
"""Words before a condition that add nothing to it: `all integers n > 3`."""


def read(text: str, commas: Commas = Commas.SEPARATE) -> Answer:
    """Return what the text is.

    Raises TooLarge: a limit on size, depth or digits.
    """
    check_size(text)
    tokens = tokenize(clean(remove_markup(text)), commas)
    return _answer(tokens)


def _answer(tokens: Sequence[Token]) -> Answer:
    """Read one answer; `Text` if nothing else fits."""
    tokens = strip_ends(tokens)
    if not tokens:
        return Text("")
    texts = {token.text for token in tokens}
    for needed, reader in _READERS:
        if needed is not None and needed.isdisjoint(texts):
            continue
        try:
            found = reader(tokens)
        except Unreadable:
            continue
        if found is not None:
            return found
    return Text(join_words(tokens))


def _readable(tokens: Sequence[Token]) -> Answer:
    """Read one answer.

    Raises Unreadable: where only text is found.
    """
    found = _answer(tokens)
    if isinstance(found, Text):
        raise Unreadable("words")
    return found


def _congruence(tokens: Sequence[Token]) -> Answer | None:
    """`n = 1, 5 (mod 6)`: the modulus is for all of the residues."""
    places = find_top_level(tokens, lambda t: t.text == "equiv")
    if not places and len(find_top_level(tokens, lambda t: t.text in _RELATIONS)) == 0:
        rest, modulus = _without_modulus(tokens)
        return modulus and Relation((Text(""), _readable(rest)), ("==",), modulus)
    if len(places) != 1:
        return None
    rest, modulus = _without_modulus(tokens[places[0] + 1 :])
    if modulus is None:
        return None
    return Relation((_answer(tokens[: places[0]]), _readable(rest)), ("==",), modulus)


def _sentences(tokens: Sequence[Token]) -> Answer | None:
    pieces = cut(tokens, lambda t: t.text in (";", "\\\\"))
    return _listing(pieces, "") if len(pieces) > 1 else None


def _items(tokens: Sequence[Token]) -> Answer | None:
    def is_cut(token: Token) -> bool:
        return token.text == "," or (
            token.text in JOINTS and token.kind in ("word", "letters", "cmd")
        )

    pieces = cut(tokens, is_cut)
    if len(pieces) == 1:
        return None
    places = find_top_level(tokens, is_cut)
    joints = [JOINTS[tokens[at].text] for at in places if tokens[at].text in JOINTS]
    return _listing(pieces, joints[-1] if joints else "")


def _listing(pieces: Sequence[Sequence[Token]], joint: str) -> Answer | None:
    pieces = [piece for piece in pieces if strip_ends(piece)]
    if len(pieces) > MAX_ITEMS:
        raise TooLarge(f"a list of more than {MAX_ITEMS}")
    items: list[Answer] = []
    for piece in pieces:
        item = _answer(piece)
        spread = isinstance(item, Listing) and item.joint == "±"
        items.extend(item.items if spread and isinstance(item, Listing) else (item,))
    last = items[-1] if items else None
    if len(items) > 1 and isinstance(last, Relation) and says_what_n_is(last, items[:-1]):
        items.pop()  # what a parameter is may be left unsaid
        rest = items[0] if len(items) == 1 else Listing(tuple(items), joint)
        return under(rest, (last,))
    if len(items) == 1:
        return items[0]
    return Listing(tuple(items), joint) if items else None


def _relation(tokens: Sequence[Token]) -> Answer | None:
    start = 0
    while start < len(tokens) and tokens[start].text.lower() in _SUBJECTS:
        start += 1
    tokens = tokens[start:]
    places = find_top_level(tokens, _is_relation)
    if not places:
        return None
    sides, signs, start = [], [], 0
    for place in [*places, len(tokens)]:
        sides.append(tokens[start:place])
        start = place + 1
        if place < len(tokens):
            signs.append(_RELATIONS[tokens[place].text])
    if not strip_ends(sides[0]):
        if len(sides) == 2 and signs[0] in ("=", "~"):
            return _readable(sides[1])
        if signs[0] == "=":
            return _relation(tokens[places[0] + 1 :])
        raise Unreadable("a relation without a left side")
    read = [_answer(side) for side in sides]
    if isinstance(read[-1], Text) and not read[-1].words:
        raise Unreadable("a relation without a right side")
    spread = [r for r in read if isinstance(r, Listing) and r.joint == "±"]
    if spread and len(read) == 2 and signs[0] == "=" and not isinstance(read[1], Listing):
        items = spread[0].items  # `3x \pm 4y = 0`
        return Listing(tuple(Relation((item, read[1]), ("=",)) for item in items), "±")
    if spread and len(read) == 2 and isinstance(read[1], Listing) and signs[0] == "=":
        head = read[0]
        return Listing(tuple(Relation((head, item), ("=",)) for item in read[1].items), "±")
    return Relation(tuple(read), tuple(signs))


def _is_relation(token: Token) -> bool:
    # `in` is a relation as a command only: as letters it is a word, or an inch.
    return token.text in _RELATIONS and (token.kind == "cmd" or not token.text.isalpha())


def _without_modulus(tokens: Sequence[Token]) -> tuple[Sequence[Token], Expression | None]:
    for index, token in enumerate(tokens):
        if token.text in _MODULI:
            start = index
            if index and tokens[index - 1].text == "(" and tokens[-1].text == ")":
                start, rest = index - 1, tokens[index + 1 : -1]
            else:
                rest = tokens[index + 1 :]
            return tokens[:start], parse_expression(strip_ends(rest))
    return tokens, None


def _labelled(tokens: Sequence[Token]) -> Answer | None:
    """`Minimum: 1`: a part of an answer with its name, as the equation that it says."""
    places = find_top_level(tokens, lambda t: t.text == ":")
    label = tokens[: places[0]] if places else ()
    if not label or not all(t.kind in ("letters", "word") for t in label):
        return None
    first = label[0].text
    if len(first) < PRODUCT_LETTERS or (len(first) == PRODUCT_LETTERS and not first.istitle()):
        return None  # `AB : CD`
    return Relation((Text(join_words(label)), _readable(tokens[places[0] + 1 :])), ("=",))


def _set_operation(tokens: Sequence[Token]) -> Answer | None:
    def operation(token: Token) -> str:
        if token.kind == "letters" and token.text == "U":
            return "cup"
        return token.text if token.text in _SET_OPERATIONS else ""

    places = find_top_level(tokens, operation)
    names = {operation(tokens[at]) for at in places}
    if not places or len(names) != 1:
        return None
    if any(t.text == "U" for t in (tokens[at] for at in places)) and not all(
        0 < at < len(tokens) - 1
        and tokens[at - 1].text in (")", "]", "}")
        and tokens[at + 1].text in ("(", "[", "{")
        for at in places
    ):
        return None
    pieces = cut(tokens, operation)
    return SetOperation(names.pop(), tuple(_readable(piece) for piece in pieces))


def _bracketed(tokens: Sequence[Token]) -> Answer | None:
    opening = tokens[0].text
    if opening not in ("(", "[", "{", "group{", "langle") or len(tokens) < 2:
        return None
    if find_partner(tokens, 0) != len(tokens) - 1:
        return None
    closing = tokens[-1].text
    inner = tokens[1:-1]
    curly = opening in ("{", "group{")
    if curly:
        opening, closing = "{", "}"
        bars = find_top_level(inner, lambda t: t.text in ("mid", "|", ":"))
        if bars and bars[0] > 0:
            return SetOf(_answer(inner[: bars[0]]), _readable(inner[bars[0] + 1 :]))
    if opening == "langle":
        opening, closing = "(", ")"
    pieces = cut(inner, lambda t: t.text == ",")
    if len(pieces) == 1 and opening in ("(", "["):
        pieces = cut(inner, lambda t: t.text == ";")
    if len(pieces) == 1:
        if closing != {"(": ")", "[": "]", "{": "}"}[opening]:
            raise Unreadable("a bracket closed by another kind")
        if not strip_ends(inner):
            return Symbol("emptyset") if curly else None
        found = _answer(inner)
        if isinstance(found, Matrix) or not curly:
            return found
        if isinstance(found, Listing):
            return Group(opening, closing, found.items)
        return Group(opening, closing, (found,))
    if len(pieces) > MAX_ITEMS:
        raise TooLarge(f"more than {MAX_ITEMS} items")
    items: list[Answer] = []
    for piece in pieces:
        if not strip_ends(piece):
            if piece is pieces[-1] and len(pieces) == 2 and not curly:
                return Group(opening, closing, tuple(items))
            raise Unreadable("an empty item")
        item = _answer(piece)
        spread = isinstance(item, Listing) and item.joint == "±" and curly
        items.extend(item.items if spread and isinstance(item, Listing) else (item,))
    plain = curly or opening == "[" or any(not isinstance(item, Listing) for item in items)
    return Group(opening, closing, tuple(items)) if plain else Listing(tuple(items))


# In order. Each returns None, or raises Unreadable, for what is not its business.
_READERS: tuple[tuple[frozenset[str] | None, Callable[[Sequence[Token]], Answer | None]], ...] = (
    (None, lambda tokens: cut_qualification(tokens, _answer)),
    (None, lambda tokens: cut_introduction(tokens, _answer)),
    (frozenset((";", "\\\\")), _sentences),
    (frozenset(("equiv", *_MODULI)), _congruence),
    (None, read_spelled),
    (None, compound),
    (frozenset((",", *JOINTS)), _items),
    (frozenset(_RELATIONS), _relation),
    (frozenset(":"), _labelled),
    (frozenset((*_SET_OPERATIONS, "U")), _set_operation),
    (frozenset(("begin",)), lambda tokens: matrix_of(tokens, _answer)),
    (None, _bracketed),
    (frozenset((":", "to")), ratio),
    (None, read_expression),
    (None, quantity),
)
"""Each with the tokens of which it needs one at least: where there are none, it is not asked."""
