r"""Reads an answer: what is a list, a set, an interval, an equation, a quantity, and what is prose.

Structure is found by cutting tokens at their top level, widest cut first: sentences, items,
relations, unions, brackets; what is left is an expression (`bench.answers.parsing`), perhaps with a
unit. What cannot be read is `Text`, whole. Brackets keep what they look like: whether `(1, 2)` is a
pair or an interval is decided by what it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from bench.answers.expressions import (
    EXPRESSIONS,
    MINUS_ONE,
    ZERO,
    Answer,
    Apply,
    Based,
    Expression,
    Group,
    Listing,
    Matrix,
    Number,
    Product,
    Quantity,
    Ratio,
    Relation,
    SetOf,
    SetOperation,
    Symbol,
    Text,
    add,
    multiply,
    negate,
    number,
    variables,
)
from bench.answers.limits import MAX_ITEMS, TooLarge, check_size
from bench.answers.numerals import Unreadable
from bench.answers.parsing import parse_expression
from bench.answers.spelling import cleaned
from bench.answers.symbols import FUNCTIONS
from bench.answers.tokens import Commas, Token, tokenize
from bench.answers.units import MULTIPLES, is_unit_word, scale_of, unit_of

_OPENING = frozenset(("(", "[", "{", "group{", "begin", "langle", "lfloor", "lceil"))
_CLOSING = frozenset((")", "]", "}", "}group", "end", "rangle", "rfloor", "rceil"))
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
    "all any every the positive real integer integers number numbers values natural".split()
)
"""Words before a condition that add nothing to it: `all integers n > 3`."""
_HEDGES = frozenset(
    "approximately about roughly exactly only just is are the equals answer ans".split()
)
_SHORT_WORDS = frozenset("yes no odd all any red not the one two six ten day may mon tue".split())
_ENGLISH = frozenset(
    "is the of to at it an or and if so as by on be we are for has can set all any only not no "
    "odd even prime yes".split()
)
"""Words that make a phrase of what they stand in, rather than a product of letters."""
_NUMERALS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {
    word: value
    for word, value in zip(
        "thirty forty fifty sixty seventy eighty ninety".split(), range(30, 100, 10), strict=True
    )
}
_MATRICES = frozenset(
    "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array aligned".split()
)
_CURRENCY = {"dollar": "dollar", "yuan": "yuan", "euro": "euro", "gbp": "gbp", "Rs": "rupee"}


def read(text: str, commas: Commas = Commas.SEPARATE) -> Answer:
    """Return what the text is.

    Raises TooLarge: a limit on size, depth or digits.
    """
    check_size(text)
    tokens = tokenize(cleaned(text), commas)
    return _answer(tokens)


def _answer(tokens: Sequence[Token]) -> Answer:
    """Read one answer; `Text` if nothing else fits."""
    tokens = _stripped(tokens)
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


def words_of(tokens: Sequence[Token]) -> str:
    """Return the tokens as words, with the spaces that tell them apart."""
    hidden = ("group{", "}group")
    return " ".join(token.text for token in tokens if token.text not in hidden)


_EDGES = frozenset((".", ",", ";", ":", '"', "`"))


def _stripped(tokens: Sequence[Token]) -> Sequence[Token]:
    """Without punctuation and spare braces around all of it."""
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
            and _partner(tokens, first) == last - 1
            and not _cut(tokens[first + 1 : last - 1], lambda t: t.text == ",")[1:]
        ):
            first, last = first + 1, last - 1
        else:
            break
    return tokens[first:last]


def _partner(tokens: Sequence[Token], start: int) -> int:
    """Where the bracket that opens at `start` closes, by any closing one; -1 if nowhere."""
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].text in _OPENING:
            depth += 1
        elif tokens[index].text in _CLOSING:
            depth -= 1
            if depth == 0:
                return index
    return -1


def _cut(tokens: Sequence[Token], is_cut: Callable[[Token], object]) -> list[Sequence[Token]]:
    """Cut at the top level; the cutting tokens are left out."""
    pieces: list[Sequence[Token]] = []
    start = depth = 0
    for index, token in enumerate(tokens):
        if token.text in _OPENING:
            depth += 1
        elif token.text in _CLOSING:
            depth -= 1
        elif depth == 0 and is_cut(token):
            pieces.append(tokens[start:index])
            start = index + 1
    pieces.append(tokens[start:])
    return pieces


def _top_level(tokens: Sequence[Token], is_wanted: Callable[[Token], object]) -> list[int]:
    depth, found = 0, []
    for index, token in enumerate(tokens):
        if token.text in _OPENING:
            depth += 1
        elif token.text in _CLOSING:
            depth -= 1
        elif depth == 0 and is_wanted(token):
            found.append(index)
    return found


# Readers, in order. Each returns None, or raises Unreadable, for what is not its business.


def _qualified(tokens: Sequence[Token]) -> Answer | None:
    """An answer, and then in words for which cases: the words are left out."""
    if (bare := _without_note(tokens)) is not None:
        found = _answer(bare)
        if not isinstance(found, Text):
            return found
    places = _top_level(
        tokens, lambda t: t.kind in ("word", "letters", "cmd") and t.text.lower() in _QUALIFIERS
    )
    if not places or places[0] == 0:
        return None
    if tokens[places[0]].text.lower() in _CASES and _goes_on(tokens[places[0] + 1 :]):
        return None
    found = _answer(tokens[: places[0]])
    if isinstance(found, Relation):
        found = replace(found, note=words_of(tokens[places[0] :]))
    return None if isinstance(found, Text) else found


def _goes_on(tokens: Sequence[Token]) -> bool:
    """Whether an answer follows what was said of the case: `2 if n is odd, 3 if it is even`."""
    pieces = _cut(tokens, lambda t: t.text in (",", ";", "\\\\") or t.text in _JOINTS)[1:]
    return any(
        _stripped(piece)
        and (
            any(t.text == "=" for t in piece)
            or any(t.text.lower() in _CASES for t in piece)
            or _stripped(piece)[0].kind == "num"
        )
        for piece in pieces
    )


def _without_note(tokens: Sequence[Token]) -> Sequence[Token] | None:
    """The tokens before a remark in brackets, `(need both)`."""
    if tokens[-1].text != ")":
        return None
    start = next((k for k in range(1, len(tokens)) if _partner(tokens, k) == len(tokens) - 1), 0)
    inside = tokens[start + 1 : -1]
    words = [t for t in inside if t.kind == "word"]
    return tokens[:start] if start and len(words) > 1 and inside[0].kind == "word" else None


def _congruence(tokens: Sequence[Token]) -> Answer | None:
    """`n = 1, 5 (mod 6)`: the modulus is for all of the residues."""
    places = _top_level(tokens, lambda t: t.text == "equiv")
    if not places and len(_top_level(tokens, lambda t: t.text in _RELATIONS)) == 0:
        rest, modulus = _without_modulus(tokens)
        return modulus and Relation((Text(""), _readable(rest)), ("==",), modulus)
    if len(places) != 1:
        return None
    rest, modulus = _without_modulus(tokens[places[0] + 1 :])
    if modulus is None:
        return None
    return Relation((_answer(tokens[: places[0]]), _readable(rest)), ("==",), modulus)


def _sentences(tokens: Sequence[Token]) -> Answer | None:
    pieces = _cut(tokens, lambda t: t.text in (";", "\\\\"))
    return _listing(pieces, "") if len(pieces) > 1 else None


def _items(tokens: Sequence[Token]) -> Answer | None:
    def is_cut(token: Token) -> bool:
        return token.text == "," or (
            token.text in _JOINTS and token.kind in ("word", "letters", "cmd")
        )

    pieces = _cut(tokens, is_cut)
    if len(pieces) == 1:
        return None
    places = _top_level(tokens, is_cut)
    joints = [_JOINTS[tokens[at].text] for at in places if tokens[at].text in _JOINTS]
    return _listing(pieces, joints[-1] if joints else "")


def _listing(pieces: Sequence[Sequence[Token]], joint: str) -> Answer | None:
    pieces = [piece for piece in pieces if _stripped(piece)]
    if len(pieces) > MAX_ITEMS:
        raise TooLarge(f"a list of more than {MAX_ITEMS}")
    items: list[Answer] = []
    for piece in pieces:
        item = _answer(piece)
        spread = isinstance(item, Listing) and item.joint == "pm"
        items.extend(item.items if spread and isinstance(item, Listing) else (item,))
    if len(items) == 1:
        return items[0]
    return Listing(tuple(items), joint) if items else None


def _relation(tokens: Sequence[Token]) -> Answer | None:
    start = 0
    while start < len(tokens) and tokens[start].text.lower() in _SUBJECTS:
        start += 1
    tokens = tokens[start:]
    places = _top_level(tokens, lambda t: t.text in _RELATIONS and t.kind != "word")
    if not places:
        return None
    sides, signs, start = [], [], 0
    for place in [*places, len(tokens)]:
        sides.append(tokens[start:place])
        start = place + 1
        if place < len(tokens):
            signs.append(_RELATIONS[tokens[place].text])
    if not _stripped(sides[0]):
        if len(sides) == 2 and signs[0] in ("=", "~"):
            return _readable(sides[1])
        raise Unreadable("a relation without a left side")
    read = [_answer(side) for side in sides]
    if isinstance(read[-1], Text) and not read[-1].words:
        raise Unreadable("a relation without a right side")
    spread = [r for r in read if isinstance(r, Listing) and r.joint == "pm"]
    if spread and len(read) == 2 and isinstance(read[1], Listing) and signs[0] == "=":
        head = read[0]
        return Listing(tuple(Relation((head, item), ("=",)) for item in read[1].items), "pm")
    return Relation(tuple(read), tuple(signs))


def _without_modulus(tokens: Sequence[Token]) -> tuple[Sequence[Token], Expression | None]:
    for index, token in enumerate(tokens):
        if token.text in ("pmod", "bmod", "mod"):
            start = index
            if index and tokens[index - 1].text == "(" and tokens[-1].text == ")":
                start, rest = index - 1, tokens[index + 1 : -1]
            else:
                rest = tokens[index + 1 :]
            return tokens[:start], parse_expression(_stripped(rest))
    return tokens, None


def _set_operation(tokens: Sequence[Token]) -> Answer | None:
    def operation(token: Token) -> str:
        if token.kind == "letters" and token.text == "U":
            return "cup"
        return token.text if token.text in _SET_OPERATIONS else ""

    places = _top_level(tokens, operation)
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
    pieces = _cut(tokens, operation)
    return SetOperation(names.pop(), tuple(_readable(piece) for piece in pieces))


def _bracketed(tokens: Sequence[Token]) -> Answer | None:
    opening = tokens[0].text
    if opening not in ("(", "[", "{", "group{", "langle") or len(tokens) < 2:
        return None
    if _partner(tokens, 0) != len(tokens) - 1:
        return None
    closing = tokens[-1].text
    inner = tokens[1:-1]
    curly = opening in ("{", "group{")
    if curly:
        opening, closing = "{", "}"
        bars = _top_level(inner, lambda t: t.text in ("mid", "|", ":"))
        if bars and bars[0] > 0:
            return SetOf(_answer(inner[: bars[0]]), _readable(inner[bars[0] + 1 :]))
    if opening == "langle":
        opening, closing = "(", ")"
    pieces = _cut(inner, lambda t: t.text == ",")
    if len(pieces) == 1 and opening in ("(", "["):
        pieces = _cut(inner, lambda t: t.text == ";")
    if len(pieces) == 1:
        if closing != {"(": ")", "[": "]", "{": "}"}[opening]:
            raise Unreadable("a bracket closed by another kind")
        if not _stripped(inner):
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
        if not _stripped(piece):
            if piece is pieces[-1] and len(pieces) == 2 and not curly:
                return Group(opening, closing, tuple(items))
            raise Unreadable("an empty item")
        item = _answer(piece)
        spread = isinstance(item, Listing) and item.joint == "pm" and curly
        items.extend(item.items if spread and isinstance(item, Listing) else (item,))
    plain = curly or opening == "[" or any(not isinstance(item, Listing) for item in items)
    return Group(opening, closing, tuple(items)) if plain else Listing(tuple(items))


def _matrix(tokens: Sequence[Token]) -> Answer | None:
    start = next((i for i, t in enumerate(tokens) if t.text == "begin"), -1)
    if start < 0 or tokens[start + 1 : start + 2] == [] or start + 3 >= len(tokens):
        return None
    kind = tokens[start + 2].text
    end = _partner(tokens, start)
    if kind not in _MATRICES or end < 0:
        return None
    body = list(tokens[start + 4 : end])
    if kind == "array" and body and body[0].text == "group{":
        body = body[_partner(body, 0) + 1 :]
    after = [t.text for t in tokens[end + 1 :]]
    after = after[3:] if after[:1] == ["group{"] else after
    rows = [
        tuple(_answer(cell) for cell in _cut(row, lambda t: t.text in ("&", "and")))
        for row in _cut(body, lambda t: t.text == "\\\\")
        if _stripped(row)
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


def _ratio(tokens: Sequence[Token]) -> Answer | None:
    pieces = _cut(tokens, lambda t: t.text == ":")
    if len(pieces) == 1:
        pieces = _cut(tokens, lambda t: t.text == "to" and t.kind in ("word", "letters"))
    if len(pieces) == 1:
        return None
    words = [t.text.lower() for t in tokens if t.kind in ("word", "letters")]
    half = "".join(words).replace(".", "")
    clock = ""
    if len(pieces) <= 3 and all(piece and piece[0].kind == "num" for piece in pieces):
        sixtieths = [piece[0].text for piece in pieces[1:]]
        if all(len(m) == 2 and m.isdigit() and int(m) < 60 for m in sixtieths):
            if half in ("am", "pm"):
                clock = half
                pieces = [piece[:1] for piece in pieces]
            elif len(pieces) == 2 and all(len(piece) == 1 for piece in pieces):
                clock = "time"
    return Ratio(tuple(parse_expression(_stripped(piece)) for piece in pieces), clock)


def _expression(tokens: Sequence[Token]) -> Answer | None:
    if (spelled := _spelled(tokens)) is not None:
        return number(spelled)
    if len(tokens) == 1 and tokens[0].kind in ("letters", "word"):
        word = tokens[0].text
        if word not in ("infty", "infinity") and (
            len(word) > 3 or tokens[0].kind == "word" or word.lower() in _SHORT_WORDS
        ):
            return Text(word)
    if _is_phrase(tokens):
        raise Unreadable("words")
    plus = parse_expression(tokens)
    if any(t.text in ("pm", "mp") for t in tokens):
        return Listing((_marked(plus), _marked(parse_expression(tokens, -1))), "pm")
    return _marked(plus)


def _is_phrase(tokens: Sequence[Token]) -> bool:
    """Whether two words stand side by side: `no solution`, and no product of letters."""
    for index, token in enumerate(tokens):
        # `is` between spaces is a word; in `at^2` it is two letters.
        after = tokens[index + 1].spaced if index + 1 < len(tokens) else True
        alone = after and (token.spaced or index == 0)
        if alone and token.kind == "letters" and token.text.lower() in _ENGLISH:
            return True
    for one, other in zip(tokens, tokens[1:], strict=False):
        if one.kind == other.kind == "letters" and other.spaced:
            words = [t.text for t in (one, other) if t.text not in FUNCTIONS]
            if len(words) == 2 and max(map(len, words)) > 3 and min(map(len, words)) > 1:
                return True
    return False


def _marked(x: Expression) -> Answer:
    """A percentage, an angle in degrees or a numeral in a base, seen as such from outside."""
    sign = 1
    inner = x
    if isinstance(x, Product) and len(x.factors) == 2 and x.factors[0] == MINUS_ONE:
        sign, inner = -1, x.factors[1]
    match inner:
        case Apply("percent", (value,)):
            return Quantity(negate(value) if sign < 0 else value, "%")
        case Apply("deg", (value,)):
            return Quantity(negate(value) if sign < 0 else value, "deg")
        case Apply("base", (Number(digits), Number(base))) if sign > 0:
            return Based(str(digits.numerator), base.numerator)
        case _:
            return x


def _quantity(tokens: Sequence[Token]) -> Answer | None:
    """A value and, behind it (or before it, for money), what it is counted in."""
    while tokens and tokens[0].kind in ("word", "letters") and tokens[0].text.lower() in _HEDGES:
        tokens = _stripped(tokens[1:])
    if not tokens:
        return None
    if tokens[0].text in _CURRENCY and len(tokens) > 1:
        return Quantity(_value(tokens[1:]), _CURRENCY[tokens[0].text])
    if tokens[0].text == "-" and len(tokens) > 2 and tokens[1].text in _CURRENCY:
        return Quantity(negate(_value(tokens[2:])), _CURRENCY[tokens[1].text])
    start = _unit_start(tokens)
    if not 0 < start < len(tokens):
        return None
    words = _unit_words(tokens[start:])
    if [w.lower() for w, _ in words] in (["am"], ["pm"]):
        return Ratio((_value(tokens[:start]), ZERO), words[0][0].lower())
    value, words = _multiplied_by_word(_value(tokens[:start]), words)
    if not words:
        return value
    unit = unit_of(words)
    if unit.startswith("noun ") and (variables(value) or set(unit.split()) & _ENGLISH):
        raise Unreadable("a sentence")
    return Quantity(value, unit)


def _multiplied_by_word(
    value: Expression, words: list[tuple[str, int]]
) -> tuple[Expression, list[tuple[str, int]]]:
    """`3 million`: the word is part of the number."""
    while words and words[0][0].lower() in MULTIPLES:
        value = multiply(value, number(MULTIPLES[words[0][0].lower()]))
        words = words[1:]
    return value, words


def _spelled(tokens: Sequence[Token]) -> int | None:
    """A number in words, `twenty-one` or `three hundred`; none for anything else."""
    total = 0
    words = [t.text.lower() for t in tokens if t.text != "-"]
    if not all(w in _NUMERALS or w in MULTIPLES or w == "and" for w in words):
        return None
    for word in words:
        if word in MULTIPLES:
            total = max(total, 1) * MULTIPLES[word]
        elif word != "and":
            total += _NUMERALS[word]
    return total


def _compound(tokens: Sequence[Token]) -> Answer | None:
    """`2 hours 30 minutes`: quantities of one dimension, side by side."""
    starts = [
        k
        for k, t in enumerate(tokens)
        if t.kind == "num"
        and (k == 0 or tokens[k - 1].kind in ("word", "letters") or tokens[k - 1].text == "and")
    ]
    if len(starts) < 2 or starts[0] != 0:
        return None
    ends = [*starts[1:], len(tokens)]
    pieces = []
    for start, end in zip(starts, ends, strict=True):
        piece = _quantity([t for t in tokens[start:end] if t.text != "and"])
        if not isinstance(piece, Quantity) or piece.unit.startswith("noun "):
            return None
        pieces.append(piece)
    scales = [scale_of(piece.unit) for piece in pieces]
    if len({dimension for _, dimension in scales}) != 1 or len({p.unit for p in pieces}) == 1:
        return None
    terms = [
        multiply(number(size / scales[0][0]), p.value)
        for (size, _), p in zip(scales, pieces, strict=True)
    ]
    return Quantity(add(*terms), pieces[0].unit)


def _value(tokens: Sequence[Token]) -> Expression:
    found = _expression(_stripped(tokens))
    if isinstance(found, Quantity):
        found = found.value
    if found is None or not isinstance(found, EXPRESSIONS):
        raise Unreadable("a unit of no expression")
    return found


def _unit_start(tokens: Sequence[Token]) -> int:
    """Where the words at the end begin: after the last token that belongs to the value."""
    depth = 0
    for index, token in enumerate(tokens):
        if token.text in _OPENING:
            depth += 1
        elif token.text in _CLOSING:
            depth -= 1
        elif depth == 0 and index:
            letters = token.kind == "letters" and (
                (len(token.text) > 1 and is_unit_word(token.text)) or len(token.text) > 3
            )
            if token.kind == "word" or (
                letters and token.text not in ("sqrt", "infty", "infinity")
            ):
                return index
    return len(tokens)


def _unit_words(tokens: Sequence[Token]) -> list[tuple[str, int]]:
    """Words with their powers; what follows a slash has negative ones."""
    words: list[tuple[str, int]] = []
    sign, index = 1, 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token.kind in ("word", "letters"):
            if token.text.lower() == "per":
                sign = -1
                continue
            words.append((token.text, sign))
        elif token.text == "/":
            sign = -1
        elif token.text == "^" and words:
            power = 1
            while index < len(tokens) and (
                tokens[index].kind == "num" or tokens[index].text in ("group{", "}group", "-")
            ):
                if tokens[index].text == "-":
                    power = -power
                elif tokens[index].kind == "num":
                    power *= int(Fraction(tokens[index].text))
                index += 1
            words[-1] = (words[-1][0], words[-1][1] * power)
        elif token.text in ("group{", "}group", ".", "cdot", "(", ")", "%", "-", "'", "’"):
            continue
        else:
            raise Unreadable(f"{token.text!r} in a unit")
    return words


_READERS: tuple[Callable[[Sequence[Token]], Answer | None], ...] = (
    _qualified,
    _sentences,
    _congruence,
    _compound,
    _items,
    _relation,
    _set_operation,
    _matrix,
    _bracketed,
    _ratio,
    _expression,
    _quantity,
)
_ = number
