r"""From a text to a statement, in three spellings, told apart by what only one of them has.

    Lean-like  theorem P (a b : ℝ) (h : a > 0 ∧ b > 0) : 2 * a * b ≤ a ^ 2 + b ^ 2 := by sorry
    plain      a^2 + b^2 >= 2ab with a, b > 0        if a, b > 0 then a/b + b/a >= 2
    LaTeX      \frac{a}{b} + \frac{b}{a} \ge 2 \text{ for } a, b > 0

Conventions, beyond the usual ones. `-x^2` is -(x^2). `^ (1 / 3)` is a cube root, as its authors
mean it, though Lean might divide as in natural numbers. Outside Lean a product may be written
without a sign where all names are letters, and what can be read in two ways is refused: `a/2b`,
`√2a`, LaTeX's `x^10`. A run of letters is a product where each of them occurs alone as well; names
of more letters are declared: `... for real foo, bar`.

In plain text and LaTeX, what follows the first comma, `;` or word such as `with`, `for`, `if` are
conditions; several claims are joined by `and`. `a, b > 0` is two conditions, as is `0 < a, b`; and
`0 < a, b < 1` is refused. No product goes across a new line, `\quad`, `\\` or `$`: between two
relations it is like a `;`, beside an operator it is a space, elsewhere it is refused.
Variables come in the order of a declaration (`for real y, x`), then in that of the alphabet.

Nothing is simplified, and nothing is assumed that is not written: a variable is real.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from bench.inequalities.statements import (
    GREEK,
    RELATIONS,
    Expression,
    Relation,
    Statement,
    find_names,
    is_plain_name,
    order_names,
    raises_e,
)
from bench.inequalities.texts.grammar import (
    Source,
    Stretch,
    end_at,
    find_outside,
    is_mark,
    read_all,
    read_claims,
    read_relations,
    split,
    unknown_function,
    unwrap,
)
from bench.inequalities.texts.lean import read_lean
from bench.inequalities.texts.tokens import (
    ADJECTIVES,
    CONCLUSIONS,
    CONNECTORS,
    FILLERS,
    PIECE,
    Gap,
    Kind,
    Spelling,
    StatementError,
    Token,
    UnsupportedStatement,
    find_spelling,
    normalize_name,
    tokenize,
)

__all__ = ["StatementError", "UnsupportedStatement", "read_expression", "read_statement"]

MAX_VARIABLES = 100
"""Variables of a statement; points with many more take gigabytes."""

_SEPARATORS = frozenset((",", ";", ":", "->", "and", "forall"))
_SIGNS = {"positive": ">", "nonnegative": ">="}


@dataclass(slots=True)
class _Draft:
    """A statement in the making."""

    variables: list[str] = field(default_factory=list)
    """Declared, in this order."""
    mentioned: set[str] = field(default_factory=set)
    """Variables that are named without a relation."""
    assumptions: list[Relation] = field(default_factory=list)
    claims: list[Relation] = field(default_factory=list)

    def finish(self) -> Statement:
        statement = Statement(tuple(self.variables), tuple(self.assumptions), tuple(self.claims))
        rest = (find_names(statement) | self.mentioned) - set(self.variables)
        return replace(statement, variables=(*self.variables, *order_names(rest)))


def read_statement(text: str, assume: Sequence[str] = ()) -> Statement:
    """Read a statement; `assume` has further assumptions, in plain text or LaTeX.

    Raises:
        StatementError: the text cannot be read; the message quotes the place.
        UnsupportedStatement: it can, and is about something else than algebra in real numbers.
    """
    try:
        if find_spelling(text) is Spelling.LEAN:
            lean = read_lean(text)
            draft = _Draft(list(lean.variables), set(), list(lean.assumptions), list(lean.claims))
            texts = _resolve([_tokenize_free(item) for item in assume], draft.variables)
        else:
            texts = _resolve([_tokenize_free(item) for item in (text, *assume)])
            draft = _read_free(*texts.pop(0))
        for source, tokens in texts:
            for _, stretch in _cut(tokens):
                _read_conditions(draft, source, stretch)
    except RecursionError as error:
        raise _too_deep() from error
    statement = draft.finish()
    _refuse_euler(draft, statement)
    count = len(statement.variables)
    if count > MAX_VARIABLES:
        raise StatementError(
            f"the statement has {count} variables and may have {MAX_VARIABLES}; "
            "write one with fewer"
        )
    return statement


def _refuse_euler(draft: _Draft, statement: Statement) -> None:
    """Raise where a power of `e` holds a variable and nothing says that `e` is one itself."""
    bounded = {side for bound in filter(_is_bound, draft.assumptions) for side in bound[1:]}
    if "e" in {*draft.variables, *draft.mentioned, *bounded}:
        return
    relations = statement.assumptions + statement.claims
    if any(raises_e(side) for _, *pair in relations for side in pair):
        raise StatementError(
            "'e' may be a variable or Euler's number where a power of it holds a variable; write "
            "'for real e' if it is a variable, and Euler's number is not read"
        )


def read_expression(text: str, variables: Sequence[str] = ()) -> Expression:
    """Read an expression in plain text or LaTeX; where `variables` are given, in these alone.

    Raises StatementError and UnsupportedStatement.
    """
    try:
        ((source, tokens),) = _resolve([_tokenize_free(text)], variables)
        return read_all(source, tokens)
    except RecursionError as error:
        raise _too_deep() from error


def _too_deep() -> StatementError:
    return StatementError("the text is nested too deeply; write it with fewer brackets and powers")


# Plain text and LaTeX

_Text = tuple[Source, Stretch]


def _tokenize_free(text: str) -> _Text:
    latex = find_spelling(text) is Spelling.LATEX
    spelling = Spelling.LATEX if latex else Spelling.PLAIN
    source = Source(text, spelling, implicit=True)
    tokens = tokenize(text, spelling)
    kept: Stretch = []
    for place, token in enumerate(tokens):
        if token.kind is not Kind.WORD or token.text not in FILLERS:
            kept.append(token)
        elif not _is_filler(token, tokens[max(place - 1, 0)], tokens[place + 1]):
            kept += _read_letters(source, token)
        else:
            tokens[place + 1] = tokens[place + 1]._replace(gap=Gap.BREAK)
    return source, _settle_gaps(source, kept)


def _settle_gaps(source: Source, tokens: Stretch) -> Stretch:
    """Return tokens with a `;` in those gaps where what stands beside would become a product."""
    behind = _find_related(tokens, *_SEPARATORS.difference((",", "and")))
    behind_sign = _find_related(tokens, *_SEPARATORS)
    settled: Stretch = []
    before = [False]
    """Whether a relation was met since the last separator, in each of the open brackets."""
    for place, token in enumerate(tokens):
        if token.gap and _is_joined(settled, token):
            signed, broken = is_mark(token, "-", "+"), token.gap is Gap.BREAK
            related = before[-1] and (behind_sign if signed else behind)[place]
            if broken and related and not signed and len(before) == 1:
                settled.append(Token(Kind.MARK, ";", token.start, token.start))
                before = [False]
            elif (broken or not signed) and (related or broken and not signed):
                raise source.complain(
                    token,
                    "a gap or line break stands between what may or may not belong together",
                    "write '*' for a product, ',' or 'with' before a condition",
                )
        _note_relation(before, token, _SEPARATORS, Kind.OPEN)
        settled.append(token)
    return settled


def _find_related(tokens: Stretch, *separators: str) -> list[bool]:
    """Return whether, from each token on, a relation or an adjective comes before a separator."""
    noted = [False]
    related = []
    for token in reversed(tokens):
        _note_relation(noted, token, separators, Kind.CLOSE)
        related.append(noted[-1])
    return related[::-1]


def _note_relation(
    noted: list[bool], token: Token, separators: Collection[str], opening: Kind
) -> None:
    """Note in the innermost bracket what a token is, or that a bracket opens or closes."""
    if token.kind in (Kind.OPEN, Kind.CLOSE):
        if token.kind is opening:
            noted.append(False)
        else:
            noted.pop()
    elif is_mark(token, "in", *RELATIONS):
        noted[-1] = True
    elif token.kind is Kind.WORD:
        noted[-1] = token.text in ADJECTIVES
    elif is_mark(token, *separators):
        noted[-1] = False


def _is_joined(before: Stretch, token: Token) -> bool:
    """Whether a token would be read as one product or sum with what stands before it."""
    ends = (Kind.NUMBER, Kind.NAME, Kind.POWER, Kind.CLOSE)
    begins = (Kind.NUMBER, Kind.NAME, Kind.ROOT, Kind.FRACTION, Kind.OPEN)
    if not before or not (before[-1].kind in ends or is_mark(before[-1], "R")):
        return False
    return token.kind in begins or is_mark(token, "-", "+")


def _is_filler(token: Token, before: Token, after: Token) -> bool:
    """Whether a word such as `that` or `be` is meant, and not the product `b*e`.

    No operator is beside it, and one of two letters is beside a longer word.
    """
    operators = ("+", "*", "/", "^", *RELATIONS)
    if is_mark(before, "-", *operators) or is_mark(after, *operators) or after.kind is Kind.POWER:
        return False
    if len(token.text) > 2:
        return True
    long_words = [t for t in (before, after) if t.kind is Kind.WORD and len(t.text) > 2]
    return bool(long_words) and before.end < token.start and not is_mark(after, "-")


def _read_letters(source: Source, token: Token) -> Iterator[Token]:
    """Yield a word as the names that it is made of."""
    width = 1 if source.spelling is Spelling.LATEX else token.end - token.start
    for start in range(token.start, token.end, width):
        gap = token.gap if start == token.start else Gap.NONE
        yield Token(Kind.NAME, source.text[start : start + width], start, start + width, gap)


def _resolve(texts: Sequence[_Text], variables: Sequence[str] = ()) -> list[_Text]:
    """Cut runs of letters into names, which only all the texts of a statement together tell.

    Where variables are given, there are no others.
    """
    declared = set(variables).union(*(_find_declared(tokens) for _, tokens in texts))
    alone = declared | {
        token.text
        for source, tokens in texts
        for token in tokens
        if token.kind is Kind.NAME
        and (source.spelling is Spelling.LATEX or is_plain_name(token.text))
    }
    resolved = []
    names: set[str] = set()
    for source, tokens in texts:
        if source.spelling is Spelling.PLAIN:
            tokens = list(_cut_names(source, tokens, declared, alone))
        names.update(token.text for token in tokens if token.kind is Kind.NAME)
        resolved.append((source, tokens))
    _refuse_functions(resolved, declared)
    implicit = all(is_plain_name(name) or name.partition("_")[0] in GREEK for name in names)
    return [
        (
            replace(
                source,
                implicit=implicit or source.spelling is Spelling.LATEX,
                names=variables or None,
            ),
            tokens,
        )
        for source, tokens in resolved
    ]


def _refuse_functions(texts: Sequence[_Text], declared: set[str]) -> None:
    """Raise where an undeclared `f` stands in `f(x)`, and everywhere before a bracket."""
    alone = set(declared)
    applied: list[tuple[Source, Token]] = []
    for source, tokens in texts:
        for place, token in enumerate(tokens):
            if token.kind is not Kind.NAME:
                continue
            if tokens[place + 1].text != "(":
                alone.add(token.text)
            elif [t.kind for t in tokens[place + 2 : place + 4]] == [Kind.NAME, Kind.CLOSE]:
                applied.append((source, token))
    for source, token in applied:
        if token.text not in alone:
            raise unknown_function(source, token)


def _find_declared(tokens: Stretch) -> Iterator[str]:
    """Yield the names in lists such as `real foo, bar`: what stands between adjective and end."""
    listing = False
    for token, after in zip(tokens, tokens[1:], strict=False):
        ends = after.kind in (Kind.WORD, Kind.END) or is_mark(after, ",", ";", ":", "and", "->")
        if token.kind is Kind.WORD:
            listing = token.text in ADJECTIVES
        elif listing and token.kind is Kind.NAME and ends:
            yield token.text
        elif not is_mark(token, ",", "and"):
            listing = False


def _cut_names(
    source: Source, tokens: Stretch, declared: set[str], alone: set[str]
) -> Iterator[Token]:
    for token, after in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        if token.kind is not Kind.NAME or token.text in declared:
            yield token
            continue
        written = source.show(token)
        pieces = [
            Token(
                Kind.NAME,
                normalize_name(found[0]),
                token.start + found.start(),
                token.start + found.end(),
            )
            for found in PIECE.finditer(written)
        ]
        is_cut = sum(piece.end - piece.start for piece in pieces) == len(written)
        if is_cut and len(pieces) > 1 and all(piece.text in alone for piece in pieces):
            yield from pieces
        elif is_plain_name(token.text) or token.text.partition("_")[0] in GREEK:
            yield token
        elif after.kind is Kind.OPEN:
            raise unknown_function(source, token)
        else:
            raise source.complain(
                token,
                f"'{written}' is no known name",
                "write a product with *, or end the statement with "
                f"'for real {written}' if it is one variable",
            )


def _cut(tokens: Stretch) -> list[tuple[str, Stretch]]:
    """Return the stretches between words such as `with` and `then`, and what each of them is.

    That is an "if", a "then", what follows a ":", or, at the beginning, "".
    """
    pieces, start, part = [], 0, ""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        begins = ""
        if token.kind is Kind.WORD and token.text in CONNECTORS or is_mark(token, "forall"):
            begins = "if"
        elif token.kind is Kind.WORD and token.text in CONCLUSIONS or is_mark(token, "->"):
            begins = "then"
        elif is_mark(token, ":"):
            begins = ":"
        if begins and depth == 0:
            pieces.append((part, end_at(tokens, place, start)))
            start, part = place + 1, begins
    return [*pieces, (part, tokens[start:])]


def _read_free(source: Source, tokens: Stretch) -> _Draft:
    """Read a claim with its conditions, whichever comes first."""
    pieces = _settle_colons(source, _cut(tokens))
    at = max((place for place, (part, _) in enumerate(pieces) if part == "then"), default=0)
    claim = pieces[at][1]
    while is_mark(claim[0], ",", ";"):
        claim = claim[1:]
    place = next(find_outside(claim, ",", ";"), None)
    more: list[Stretch] = []
    in_gap = False
    if place is not None:
        in_gap = claim[place].start == claim[place].end
        claim, more = end_at(claim, place), [claim[place + 1 :]]
    if claim[0].kind is Kind.END:
        raise source.complain(
            claim[0],
            "a claim is missing",
            "write 'claim with conditions' or 'if conditions then claim'",
        )
    draft = _Draft(claims=read_claims(source, claim))
    if more and more[0][0].kind is not Kind.END:
        # Lines may come in any order, so what is a condition must be seen from it.
        unclear = in_gap and not _hold_conditions(source, more[0])
        if unclear or any(map(_is_bound, draft.claims)):
            raise source.complain(
                more[0][0],
                "it is not clear which relation is the claim",
                "write 'claim with conditions' or 'if conditions then claim'",
            )
    before = [stretch for _, stretch in pieces[:at]]
    for stretch in (*before, *more, *(stretch for _, stretch in pieces[at + 1 :])):
        _read_conditions(draft, source, stretch)
    if more and not in_gap:
        _refuse_shared_name(source, claim, more[0], draft)
    return draft


def _refuse_shared_name(source: Source, claim: Stretch, more: Stretch, draft: _Draft) -> None:
    """Raise at `... >= 2b a, b > 0`, where `a` may be of the claim or of the conditions."""
    if len(claim) < 3 or claim[-2].kind is not Kind.NAME or not _is_joined(claim[:-2], claim[-2]):
        return
    last, listed = claim[-2], more[0].kind is Kind.NAME and is_mark(more[1], ",", *RELATIONS)
    bounded = {side for bound in filter(_is_bound, draft.assumptions) for side in bound[1:]}
    if listed and claim[-3].end < last.start and last.text not in bounded:
        raise source.complain(
            last,
            f"'{source.show(last)}' may be a factor or the first of the names behind it",
            "write '*' for a product, ',' or 'with' before a condition",
        )


def _settle_colons(
    source: Source, pieces: Sequence[tuple[str, Stretch]]
) -> list[tuple[str, Stretch]]:
    """Return the pieces; each that follows a ":" becomes an "if" or a "then"."""
    settled: list[tuple[str, Stretch]] = []
    for part, stretch in pieces:
        if part == ":":
            part = "then"
            if settled[-1][0] == "if" and settled[-1][1][0].kind is Kind.END:
                settled.pop()  # `subject to: a > 0`
                part = "if"
            elif facing := [
                piece for led, piece in settled if led != "if" and piece[0].kind is not Kind.END
            ]:
                before = _hold_conditions(source, facing[-1])
                behind = _hold_conditions(source, stretch)
                if before == behind:
                    raise source.complain(
                        stretch[0],
                        "it is not clear which side of ':' is the claim",
                        "write 'claim with conditions' or 'if conditions then claim'",
                    )
                part = "if" if behind else "then"
        settled.append((part, stretch))
    return settled


def _hold_conditions(source: Source, tokens: Stretch) -> bool:
    """Whether a stretch has nothing but equations, and relations of names and numbers."""
    draft = _Draft()
    _read_conditions(draft, source, tokens)
    return bool(draft.assumptions or draft.variables or draft.mentioned) and all(
        op in ("=", "!=") or not (isinstance(left, tuple) or isinstance(right, tuple))
        for op, left, right in draft.assumptions
    )


def _read_conditions(draft: _Draft, source: Source, tokens: Stretch) -> None:
    """Read lists such as `a, b > 0, ab = 1; positive c, d real`."""
    for group in split(tokens, ";"):
        for listing in _cut_lists(source, group):
            relations, found = _read_list(source, listing.items, bool(listing.adjectives))
            names = list(dict.fromkeys(found))
            for adjective in listing.adjectives:
                if not names:
                    raise source.complain(
                        adjective,
                        f"'{adjective.text}' is said of no variable",
                        "write a list such as 'positive a, b'",
                    )
                draft.variables += [name for name in names if name not in draft.variables]
                if op := _SIGNS.get(adjective.text):
                    draft.assumptions += [(op, name, Fraction(0)) for name in names]
            draft.mentioned.update(names)
            draft.assumptions += relations


@dataclass(slots=True)
class _List:
    """Names and relations that belong together, and the adjectives of all the names."""

    adjectives: list[Token] = field(default_factory=list)
    items: list[Stretch] = field(default_factory=list)
    led: bool = False
    """Whether the adjectives come first, and so hold for what is still to come."""


def _refuse_word_between(source: Source, item: Stretch) -> None:
    """Raise at `b real c > 0`, which would be a product without the word."""
    for before, token, after in zip(item, item[1:], item[2:], strict=False):
        outer = before.kind is Kind.WORD or after.kind in (Kind.WORD, Kind.END)
        if token.kind is Kind.WORD and not outer:
            raise source.complain(
                token,
                f"'{source.show(token)}' stands between what would be one expression",
                "write ',' between conditions",
            )


def _cut_lists(source: Source, group: Stretch) -> list[_List]:
    """Return lists, each begun by its adjectives (`positive a, b`) or ended (`a, b positive`)."""
    lists, current = [_List()], _List()
    for item in split(group, ",", "and"):
        words = [token for token in item if token.kind is Kind.WORD]
        _refuse_word_between(source, item)
        content = [token for token in item if token.kind is not Kind.WORD]
        if len(content) == 1 and not current.items and lists[-1].adjectives:
            lists[-1].adjectives += words  # `a, b real and positive`
        elif item[0].kind is Kind.WORD:
            if current.items:
                lists.append(current)
                current = _List()
            current.adjectives += words
            current.led = True
        if len(content) == 1:
            continue
        if words and item[0].kind is not Kind.WORD:
            since = 0 if not current.led else len(current.items)
            for place, earlier in enumerate(current.items):
                since = place + 1 if any(is_mark(t, *RELATIONS) for t in earlier) else since
            lists.append(_List(current.adjectives, current.items[:since]))
            lists.append(_List(words, [*current.items[since:], content]))
            current = _List()
        else:
            current.items.append(content)
    return [listing for listing in (*lists, current) if listing.items or listing.adjectives]


def _read_list(
    source: Source, items: Sequence[Stretch], has_adjectives: bool
) -> tuple[list[Relation], list[str]]:
    """Return the relations of a list, and its names that stand alone or begin a relation.

    A name without a relation gets that of the name behind which its list ends (`a, b > 0`); at the
    end, that of the name before it, where a number is on the left (`0 < a, b`).
    """
    relations: list[Relation] = []
    names: list[str] = []
    bare: list[Token] = []
    ended: Relation | None = None
    """The last relation, if its right side is a name."""
    end = 0
    for item in items:
        comma = source.text.startswith(",", end)
        end = item[-1].start
        item = unwrap(_strip_membership(item), "and", *RELATIONS)
        if item[0].kind is Kind.NAME and item[1].kind is Kind.END:
            bare.append(item[0])
            continue
        found = read_relations(source, item)
        if item[0].kind is Kind.NAME and is_mark(item[1], *RELATIONS):
            op, _, right = found[0]
            if bare and (op in ("=", "!=") or (ended and isinstance(ended[1], Fraction))):
                raise _refuse_sharing(source, bare[0])
            if ended and comma and _may_share(ended, found[0]):
                raise source.complain(
                    item[0],
                    f"it is not clear which bounds '{ended[2]}' and '{item[0].text}' share",
                    "write the bounds of each name, or 'and' between the conditions",
                )
            relations += [(op, token.text, right) for token in bare]
            names += [*(token.text for token in bare), item[0].text]
        else:
            names += [token.text for token in bare]
        relations += found
        bare = []
        last_is_name = item[-2].kind is Kind.NAME and is_mark(item[-3], *RELATIONS)
        ended = relations[-1] if last_is_name else None
    if bare and ended and not has_adjectives:
        op, left, _ = ended
        if op in ("=", "!=") or not isinstance(left, Fraction):
            raise _refuse_sharing(source, bare[0])
        relations += [(op, left, token.text) for token in bare]
    return relations, names + [token.text for token in bare]


def _may_share(first: Relation, second: Relation) -> bool:
    """Whether `0 < a` and then `b < 1` may be `0 < a, b < 1` said of both names."""
    op, left, name = first
    same = op[0] == second[0][0] and op not in ("=", "!=")
    return same and isinstance(left, Fraction) and name != second[1]


def _is_bound(relation: Relation) -> bool:
    """Whether a relation looks like a condition: it compares a variable with a number."""
    _, left, right = relation
    return {type(left), type(right)} == {str, Fraction}


def _strip_membership(item: Stretch) -> Stretch:
    """Return `a` for `a in R`: every variable is real."""
    if len(item) > 3 and is_mark(item[-3], "in") and item[-2].text == "R":
        return end_at(item, len(item) - 3)
    return item


def _refuse_sharing(source: Source, token: Token) -> StatementError:
    return source.complain(
        token,
        f"it is not clear which relation '{token.text}' shares",
        "write the relation for each name, or ';' between the lists",
    )
