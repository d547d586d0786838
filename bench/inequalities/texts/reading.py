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
conditions; several claims are joined by `and`. `a, b > 0` is two conditions, as is `0 < a, b`.
Variables come in the order of a declaration (`for real y, x`), then in that of the alphabet.

Nothing is simplified, and nothing is assumed that is not written: a variable is real.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    count = len(statement.variables)
    if count > MAX_VARIABLES:
        raise StatementError(
            f"the statement has {count} variables and may have {MAX_VARIABLES}; "
            "write one with fewer"
        )
    return statement


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
    return source, kept


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
        yield Token(Kind.NAME, source.text[start : start + width], start, start + width)


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

    That is an "if", a "then", or, at the beginning, "".
    """
    pieces, start, part = [], 0, ""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE)
        begins = ""
        if token.kind is Kind.WORD and token.text in CONNECTORS or is_mark(token, "forall"):
            begins = "if"
        elif token.kind is Kind.WORD and token.text in CONCLUSIONS or is_mark(token, "->", ":"):
            begins = "then"
        if begins and depth == 0:
            pieces.append((part, end_at(tokens, place, start)))
            start, part = place + 1, begins
    return [*pieces, (part, tokens[start:])]


def _read_free(source: Source, tokens: Stretch) -> _Draft:
    """Read a claim with its conditions, whichever comes first."""
    pieces = _cut(tokens)
    at = max((place for place, (part, _) in enumerate(pieces) if part == "then"), default=0)
    claim = pieces[at][1]
    while is_mark(claim[0], ",", ";"):
        claim = claim[1:]
    place = next(find_outside(claim, ",", ";"), None)
    more: list[Stretch] = []
    if place is not None:
        claim, more = end_at(claim, place), [claim[place + 1 :]]
    if claim[0].kind is Kind.END:
        raise source.complain(
            claim[0],
            "a claim is missing",
            "write 'claim with conditions' or 'if conditions then claim'",
        )
    draft = _Draft(claims=read_claims(source, claim))
    if more and more[0][0].kind is not Kind.END and any(map(_is_bound, draft.claims)):
        raise source.complain(
            more[0][0],
            "it is not clear which relation is the claim",
            "write 'claim with conditions' or 'if conditions then claim'",
        )
    before = [stretch for _, stretch in pieces[:at]]
    for stretch in (*before, *more, *(stretch for _, stretch in pieces[at + 1 :])):
        _read_conditions(draft, source, stretch)
    return draft


def _read_conditions(draft: _Draft, source: Source, tokens: Stretch) -> None:
    """Read lists such as `a, b > 0, ab = 1; positive c, d real`."""
    for group in split(tokens, ";"):
        for listing in _cut_lists(group):
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


def _cut_lists(group: Stretch) -> list[_List]:
    """Return lists, each begun by its adjectives (`positive a, b`) or ended (`a, b positive`)."""
    lists, current = [_List()], _List()
    for item in split(group, ",", "and"):
        words = [token for token in item if token.kind is Kind.WORD]
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
    for item in items:
        item = unwrap(_strip_membership(item), "and", *RELATIONS)
        if item[0].kind is Kind.NAME and item[1].kind is Kind.END:
            bare.append(item[0])
            continue
        found = read_relations(source, item)
        if item[0].kind is Kind.NAME and is_mark(item[1], *RELATIONS):
            op, _, right = found[0]
            if bare and (op in ("=", "!=") or (ended and isinstance(ended[1], Fraction))):
                raise _refuse_sharing(source, bare[0])
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
