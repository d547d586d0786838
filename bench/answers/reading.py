r"""Reads an answer: what is a list, a set, an interval, an equation, a quantity, and what is prose.

Structure is found by cutting tokens at their top level, widest cut first: sentences, items,
relations, unions, brackets; what is left is an expression (`bench.answers.parsing`), perhaps with a
unit. What cannot be read is `Text`, whole. Brackets keep what they look like: whether `(1, 2)` is a
pair or an interval is decided by what it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.answers.cutting import cut, partner, stripped, top_level, words_of
from bench.answers.expressions import (
    EXPRESSIONS,
    MINUS_ONE,
    ONE,
    ZERO,
    Answer,
    Expression,
    Group,
    Listing,
    Matrix,
    Qualified,
    Relation,
    SetOf,
    SetOperation,
    Symbol,
    Text,
    add,
    multiply,
    variables,
)
from bench.answers.limits import MAX_ITEMS, TooLarge, check_size
from bench.answers.markup import unmarked
from bench.answers.measures import compound, quantity, ratio
from bench.answers.numerals import Unreadable
from bench.answers.parsing import parse_expression
from bench.answers.spelling import cleaned
from bench.answers.symbols import PRODUCT_LETTERS
from bench.answers.terms import expression, spelled
from bench.answers.tokens import Commas, Token, tokenize

_RELATIONS = {
    "=": "=", "<": "<", ">": ">", "le": "<=", "ge": ">=", "ne": "!=", "approx": "~", "equiv": "=",
    "in": "in", "notin": "notin", "sim": "~", "doteq": "~", "cong": "~",
}  # fmt: skip
_SET_OPERATIONS = frozenset(("cup", "cap", "setminus"))
_JOINTS = {"and": "and", "or": "or", "land": "and", "lor": "or", "AND": "and", "OR": "or"}
_QUALIFIERS = frozenset(
    "for where with when if such given since because whenever provided any otherwise forall "
    "respectively approximately".split()
)
_CASES = frozenset(("for", "when", "if", "forall", "otherwise", "whenever"))
_SUBJECTS = frozenset(
    "all any every the positive real integer integers number numbers values natural it is are we "
    "get have plane line circle curve equation function solution solutions answer thus so hence "
    "then therefore only".split()
)
"""Words before a condition that add nothing to it: `all integers n > 3`."""
_COUNTERS = frozenset("n m k".split())
_INTRODUCTIONS = frozenset(
    "the interval set point points pair pairs value values range domain solution solutions answer "
    "answers ordered triple triples vector matrix is are".split()
)
_MATRICES = frozenset(
    "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array aligned".split()
)


def read(text: str, commas: Commas = Commas.SEPARATE) -> Answer:
    """Return what the text is.

    Raises TooLarge: a limit on size, depth or digits.
    """
    check_size(text)
    tokens = tokenize(cleaned(unmarked(text)), commas)
    return _answer(tokens)


def _answer(tokens: Sequence[Token]) -> Answer:
    """Read one answer; `Text` if nothing else fits."""
    tokens = stripped(tokens)
    if not tokens:
        return Text("")
    for reader in _READERS:
        try:
            found = reader(tokens)
        except Unreadable:
            continue
        if found is not None:
            return found
    return Text(words_of(tokens))


def _readable(tokens: Sequence[Token]) -> Answer:
    """Read one answer.

    Raises Unreadable: where only text is found.
    """
    found = _answer(tokens)
    if isinstance(found, Text):
        raise Unreadable("words")
    return found


def _qualified(tokens: Sequence[Token]) -> Answer | None:
    """An answer, and then in words for which cases: the words are left out."""
    if (bare := _without_note(tokens)) is not None:
        found = _answer(bare)
        if not isinstance(found, Text):
            return found
    places = top_level(
        tokens, lambda t: t.kind in ("word", "letters", "cmd") and t.text.lower() in _QUALIFIERS
    )
    if not places or places[0] == 0:
        return None
    if tokens[places[0]].text.lower() in _CASES and _goes_on(tokens[places[0] + 1 :]):
        return None
    found = _answer(tokens[: places[0]])
    note = words_of(tokens[places[0] :])
    if isinstance(found, Relation):
        return replace(found, note=note)
    return None if isinstance(found, Text) else Qualified(found, note)


def _goes_on(tokens: Sequence[Token]) -> bool:
    """Whether an answer follows what was said of the case: `2 if n is odd, 3 if it is even`."""
    pieces = cut(tokens, lambda t: t.text in (",", ";", "\\\\") or t.text in _JOINTS)[1:]
    return any(
        stripped(piece)
        and (
            any(t.text == "=" for t in piece)
            or any(t.text.lower() in _CASES for t in piece)
            or stripped(piece)[0].kind == "num"
        )
        for piece in pieces
    )


def _without_note(tokens: Sequence[Token]) -> Sequence[Token] | None:
    """The tokens before a remark in brackets, `(need both)`."""
    if tokens[-1].text != ")":
        return None
    last = len(tokens) - 1
    opened = (k for k in range(1, last) if tokens[k].text == "(" and partner(tokens, k) == last)
    start = next(opened, 0)
    inside = tokens[start + 1 : -1]
    if not start or not inside:
        return None
    if any(t.text == "in" and t.kind == "cmd" for t in inside):
        return tokens[:start]  # `k\pi (k \in Z)`
    words = [t for t in inside if t.kind in ("word", "letters") and len(t.text) > PRODUCT_LETTERS]
    told = inside[0] in words and tokens[start].spaced
    phrase = [t for t in inside if t.kind == "word"]
    if told or (len(phrase) > 1 and inside[0].kind == "word"):
        return tokens[:start]
    return None


def _introduced(tokens: Sequence[Token]) -> Answer | None:
    """`the interval [0, 1)`: words that only say what kind of thing follows, before mathematics."""
    start = 0
    while start < len(tokens) and tokens[start].text.lower() in _INTRODUCTIONS:
        start += 1
    if not start or start == len(tokens) or not tokens[start].spaced:
        return None
    if tokens[start].kind in ("letters", "word") or tokens[start - 1].text.lower() == "the":
        return None
    found = _answer(tokens[start:])
    return None if isinstance(found, Text) else found


def _congruence(tokens: Sequence[Token]) -> Answer | None:
    """`n = 1, 5 (mod 6)`: the modulus is for all of the residues."""
    places = top_level(tokens, lambda t: t.text == "equiv")
    if not places and len(top_level(tokens, lambda t: t.text in _RELATIONS)) == 0:
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
            token.text in _JOINTS and token.kind in ("word", "letters", "cmd")
        )

    pieces = cut(tokens, is_cut)
    if len(pieces) == 1:
        return None
    places = top_level(tokens, is_cut)
    joints = [_JOINTS[tokens[at].text] for at in places if tokens[at].text in _JOINTS]
    return _listing(pieces, joints[-1] if joints else "")


def _listing(pieces: Sequence[Sequence[Token]], joint: str) -> Answer | None:
    pieces = [piece for piece in pieces if stripped(piece)]
    if len(pieces) > MAX_ITEMS:
        raise TooLarge(f"a list of more than {MAX_ITEMS}")
    items: list[Answer] = []
    for piece in pieces:
        item = _answer(piece)
        spread = isinstance(item, Listing) and item.joint == "±"
        items.extend(item.items if spread and isinstance(item, Listing) else (item,))
    last = items[-1] if items else None
    if len(items) > 1 and isinstance(last, Relation) and _says_what_n_is(last, items[:-1]):
        items.pop()  # what a parameter is may be left unsaid
    if len(items) == 1:
        return items[0]
    return Listing(tuple(items), joint) if items else None


def _says_what_n_is(x: Relation, others: Sequence[Answer]) -> bool:
    r"""Whether a condition says that a parameter is an integer: `k \in Z`, `n \ge 1` of `a_n`."""
    if x.signs == ("in",):
        free = x.sides[1] == Symbol("mathbb R") and len(others) == 1
        parameter = free and isinstance(x.sides[0], Symbol) and isinstance(others[0], Group)
        return parameter or x.sides[1] in (Symbol("mathbb Z"), Symbol("mathbb N"))
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


def _relation(tokens: Sequence[Token]) -> Answer | None:
    start = 0
    while start < len(tokens) and tokens[start].text.lower() in _SUBJECTS:
        start += 1
    tokens = tokens[start:]
    places = top_level(tokens, _is_relation)
    if not places:
        return None
    sides, signs, start = [], [], 0
    for place in [*places, len(tokens)]:
        sides.append(tokens[start:place])
        start = place + 1
        if place < len(tokens):
            signs.append(_RELATIONS[tokens[place].text])
    if not stripped(sides[0]):
        if len(sides) == 2 and signs[0] in ("=", "~"):
            return _readable(sides[1])
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
        if token.text in ("pmod", "bmod", "mod"):
            start = index
            if index and tokens[index - 1].text == "(" and tokens[-1].text == ")":
                start, rest = index - 1, tokens[index + 1 : -1]
            else:
                rest = tokens[index + 1 :]
            return tokens[:start], parse_expression(stripped(rest))
    return tokens, None


def _set_operation(tokens: Sequence[Token]) -> Answer | None:
    def operation(token: Token) -> str:
        if token.kind == "letters" and token.text == "U":
            return "cup"
        return token.text if token.text in _SET_OPERATIONS else ""

    places = top_level(tokens, operation)
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
    if partner(tokens, 0) != len(tokens) - 1:
        return None
    closing = tokens[-1].text
    inner = tokens[1:-1]
    curly = opening in ("{", "group{")
    if curly:
        opening, closing = "{", "}"
        bars = top_level(inner, lambda t: t.text in ("mid", "|", ":"))
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
        if not stripped(inner):
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
        if not stripped(piece):
            if piece is pieces[-1] and len(pieces) == 2 and not curly:
                return Group(opening, closing, tuple(items))
            raise Unreadable("an empty item")
        item = _answer(piece)
        spread = isinstance(item, Listing) and item.joint == "±" and curly
        items.extend(item.items if spread and isinstance(item, Listing) else (item,))
    plain = curly or opening == "[" or any(not isinstance(item, Listing) for item in items)
    return Group(opening, closing, tuple(items)) if plain else Listing(tuple(items))


def _matrix(tokens: Sequence[Token]) -> Answer | None:
    start = next((i for i, t in enumerate(tokens) if t.text == "begin"), -1)
    if start < 0 or tokens[start + 1 : start + 2] == [] or start + 3 >= len(tokens):
        return None
    kind = tokens[start + 2].text
    end = partner(tokens, start)
    if kind not in _MATRICES or end < 0:
        return None
    body = list(tokens[start + 4 : end])
    if kind == "array" and body and body[0].text == "group{":
        body = body[partner(body, 0) + 1 :]
    after = [t.text for t in tokens[end + 1 :]]
    after = after[3:] if after[:1] == ["group{"] else after
    rows = [
        tuple(_answer(cell) for cell in cut(row, lambda t: t.text in ("&", "and")))
        for row in cut(body, lambda t: t.text == "\\\\")
        if stripped(row)
    ]
    if not rows or len({len(row) for row in rows}) != 1:
        raise Unreadable("a matrix with rows of different lengths")
    before = list(tokens[:start])
    bars = bool(before and before[-1].text == "|" and after[:1] == ["|"])
    if bars or (before and before[-1].text in ("(", "[") and after[:1] in ([")"], ["]"])):
        before, after = before[:-1], after[1:]
    matrix = Matrix(tuple(rows), bars or kind == "vmatrix")
    if after in (["^", "T"], ["^", "group{", "T", "}group"], ["^", "top"]):
        matrix = Matrix(tuple(zip(*rows, strict=True)))
        after = []
    if after:
        following = _matrix(tokens[end + 4 :]) if after[0] == "begin" else None
        if not isinstance(following, Matrix):
            raise Unreadable("more after a matrix")
        matrix = _multiplied(matrix, following)
    return _scaled(matrix, before) if before else matrix


def _multiplied(left: Matrix, right: Matrix) -> Matrix:
    """The product of two matrices that stand side by side."""
    if len(left.rows[0]) != len(right.rows):
        raise Unreadable("a product of matrices that do not fit")
    rows = []
    for row in left.rows:
        cells = []
        for column in zip(*right.rows, strict=True):
            terms = [
                multiply(a, b)
                for a, b in zip(row, column, strict=True)
                if isinstance(a, EXPRESSIONS) and isinstance(b, EXPRESSIONS)
            ]
            cells.append(add(*terms))
        rows.append(tuple(cells))
    return Matrix(tuple(rows))


def _scaled(matrix: Matrix, tokens: Sequence[Token]) -> Answer:
    factor = (
        MINUS_ONE
        if [t.text for t in tokens] == ["-"]
        else parse_expression(tokens[:-1] if tokens[-1].text in ("cdot", "times", "*") else tokens)
    )
    if not all(isinstance(cell, EXPRESSIONS) for row in matrix.rows for cell in row):
        raise Unreadable("a multiple of a matrix of no expressions")
    rows = tuple(
        tuple(multiply(factor, cell) for cell in row if isinstance(cell, EXPRESSIONS))
        for row in matrix.rows
    )
    return Matrix(rows, matrix.determinant)


_READERS: tuple[Callable[[Sequence[Token]], Answer | None], ...] = (
    _qualified,
    _introduced,
    _sentences,
    _congruence,
    spelled,
    compound,
    _items,
    _relation,
    _set_operation,
    _matrix,
    _bracketed,
    ratio,
    expression,
    quantity,
)
