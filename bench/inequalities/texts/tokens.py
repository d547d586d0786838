r"""From a text to tokens, in any of the three spellings: Lean-like, plain, LaTeX.

A token has one text whatever its spelling: `≥`, `\ge` and `>=` are the mark `>=`. Here is also what
can be said without grammar: which brackets do not match, which signs mean nothing, and which signs
and functions mean something that is not read (sums, logarithms, natural numbers, ...).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum, StrEnum
from typing import NamedTuple

from bench.errors import BenchError
from bench.inequalities.statements import GREEK, is_name


class StatementError(BenchError):
    """A text that is not read as a statement; the message quotes the place, marked `<here>`."""


class UnsupportedStatement(StatementError):
    """A text that says something else than (in)equalities of algebraic expressions in reals."""


class Spelling(StrEnum):
    """How a text is written."""

    LEAN = "Lean"
    PLAIN = "plain text"
    LATEX = "LaTeX"


class Kind(StrEnum):
    """What a token is."""

    NUMBER = "number"
    NAME = "name"
    POWER = "power"
    """A raised number such as `²` or `⁻¹`; the text is the number."""
    ROOT = "root"
    """The text is the index."""
    FRACTION = "fraction"
    OPEN = "open"
    CLOSE = "close"
    MARK = "mark"
    """Operators, relations, separators; `and`, `->`, `in`, `forall`; `R` for the real numbers."""
    WORD = "word"
    """One of `WORDS`."""
    UNSUPPORTED = "unsupported"
    """The text says what it is."""
    END = "end"


class Gap(IntEnum):
    """What is between a token and the one before it."""

    NONE = 0
    """Nothing, or what may be in the middle of a product."""
    SPACE = 1
    """More than the space in a product, but perhaps without a meaning."""
    BREAK = 2
    """What no author has in the middle of a product: a new line, a new formula, a wide space."""


class Token(NamedTuple):
    """A piece of a text, with its place."""

    kind: Kind
    text: str
    start: int
    end: int
    gap: Gap = Gap.NONE


MAX_LENGTH = 20_000
"""Characters of a text."""
MAX_DIGITS = 100
"""Digits of a number, and letters of a name."""
MAX_NESTING = 100
"""Brackets in brackets."""

CONNECTORS = frozenset(
    "with for where given if when whenever assuming provided suppose let subject such under".split()
)
"""Words before conditions."""
CONCLUSIONS = frozenset("then prove show have".split())
"""Words before the claim."""
ADJECTIVES = frozenset("real reals positive nonnegative".split())
FILLERS = frozenset("all any every that the to be is are has holds we number numbers".split())
WORDS = (
    CONNECTORS
    | CONCLUSIONS
    | ADJECTIVES
    | FILLERS
    | frozenset("and in theorem lemma example".split())
)
"""What cannot name a variable."""

FUNCTIONS = {"sqrt": "2", "cbrt": "3"}
"""The functions that are read, and the index of their root."""

_OUTSIDE = {
    **dict.fromkeys(("abs", "norm"), "an absolute value"),
    **{
        name: f"the function {name}"
        for name in (
            "log ln lg exp sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh max min sup "
            "inf floor ceil gcd lcm sign sgn det mod factorial choose binom"
        ).split()
    },
    "pi": "the irrational constant pi",
    **dict.fromkeys(("Fin", "Finset", "finset", "sum", "prod"), "a sum or product over an index"),
    **dict.fromkeys(("natural", "naturals", "nat", "Nat"), "natural numbers"),
    **dict.fromkeys(("integer", "integers", "Int"), "integers"),
    **dict.fromkeys(("rational", "rationals"), "rational numbers"),
    "complex": "complex numbers",
    "or": "a disjunction",
    **dict.fromkeys(("exist", "exists"), "an existential statement"),
}
"""Names that mean something that is not read."""

_OUTSIDE_SIGNS = {
    **dict.fromkeys("|‖∥∣", "an absolute value"),
    **dict.fromkeys("∑∏Σ", "a sum or product over an index"),
    "...": "a sum or product with dots",
    "…": "a sum or product with dots",
    "!": "a factorial",
    "∃": "an existential statement",
    "∨": "a disjunction",
    "¬": "a negation",
    **dict.fromkeys(("↔", "⇔", "<->", "<=>"), "an equivalence"),
    "ℕ": "natural numbers",
    "ℤ": "integers",
    "ℚ": "rational numbers",
    "ℂ": "complex numbers",
    **dict.fromkeys("∞∫±∂%", "a sign of another kind of statement"),
}

_ALIASES = {
    **dict.fromkeys("≥≧⩾", ">="),
    **dict.fromkeys("≤≦⩽", "<="),
    "≠": "!=",
    "==": "=",
    "**": "^",
    **dict.fromkeys("×·⋅∙∗•", "*"),
    **dict.fromkeys("÷∕⁄", "/"),
    **dict.fromkeys("−–—", "-"),
    **dict.fromkeys(("∧", "&&", "/\\"), "and"),
    **dict.fromkeys("→⟶⇒⟹", "->"),
    "∈": "in",
    "∀": "forall",
    "ℝ": "R",
    ".": ";",
}
_ROOT_SIGNS = {"√": "2", "∛": "3", "∜": "4"}

_GREEK_LETTERS = dict(zip("αβγδεζηθικλμνξοπρστυφχψω", GREEK, strict=True))

_COMMANDS = {
    **dict.fromkeys("cdot times ast".split(), "*"),
    "div": "/",
    **dict.fromkeys("ge geq geqslant geqq".split(), ">="),
    **dict.fromkeys("le leq leqslant leqq".split(), "<="),
    "gt": ">",
    "lt": "<",
    **dict.fromkeys(("ne", "neq"), "!="),
    **dict.fromkeys(("land", "wedge"), "and"),
    **dict.fromkeys("to rightarrow longrightarrow implies Rightarrow Longrightarrow".split(), "->"),
    "in": "in",
    "forall": "forall",
    "{": "{",
    "}": "}",
    **dict.fromkeys(("lbrace", "lbrack"), "["),
    **dict.fromkeys(("rbrace", "rbrack"), "]"),
}
"""LaTeX commands that are another way to write a mark."""
_FRACTIONS = frozenset("frac dfrac tfrac cfrac".split())
_OUTSIDE_COMMANDS = {
    **dict.fromkeys("sum prod int lim".split(), "a sum or product over an index"),
    **dict.fromkeys("ldots dots cdots dotsb".split(), "a sum or product with dots"),
    **dict.fromkeys("vert lvert rvert Vert |".split(), "an absolute value"),
    "exists": "an existential statement",
    **dict.fromkeys(("lor", "vee"), "a disjunction"),
    **dict.fromkeys(("iff", "Leftrightarrow"), "an equivalence"),
    **dict.fromkeys("infty pm mp lfloor lceil".split(), "a sign of another kind of statement"),
}
_DROPPED = frozenset(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle "
    "textstyle limits quad qquad , ; : ! \\ ( ) [ ]".split()
) | {" ", "\n"}

_PIECE = r"[A-Za-z](?:_(?:\d+|[A-Za-z]+)|\d+|[₀-₉]+)?'*"
"""A name of one letter, perhaps with an index: `a`, `a_1`, `x2`, `x₁`, `x_max`."""
PIECE = re.compile(_PIECE, re.ASCII)
_COMMON = r"""
    (?P<confusing> => | =< | [0-9.]+[eE][0-9]+ )
  | (?P<number> [0-9]+(?:\.[0-9]+)? )
  | (?P<power> [⁻⁺]?[⁰¹²³⁴-⁹]+ )
  | (?P<root> [√∛∜] )
  | (?P<open> [(\[{] ) | (?P<close> [)\]}] )
  | (?P<outside> <=> | <-> | \.\.\. | !(?!=) | [|‖∥∣∑∏Σ…∃∨¬↔⇔ℕℤℚℂ∞∫±∂%] )
  | (?P<mark> >= | <= | != | == | -> | := | \*\* | && | /\\ | [-+*/^<>=,;:._]
            | [≥≧⩾≤≦⩽≠×·⋅∙∗•÷∕⁄−–—∧→⟶⇒⟹∈∀ℝ] )
"""
_INDEX = r"(?: _ (?: \{ \s* [A-Za-z0-9]+ \s* \} | [0-9]+ | [A-Za-z] ) | [₀-₉]+ )?'*"
_PATTERNS = {
    Spelling.LEAN: re.compile(
        r"""
        (?P<space> \s+ | ↑ | --[^\n]* | /-.*?-/ )
      | \( \s* (?P<cast> [0-9]+ ) \s* : \s* [ℕℤ] \s* \)
      | (?P<name> [A-Za-zΑ-Ωα-ω] [A-Za-zΑ-Ωα-ω0-9_'₀-₉.]* (?<! \. ) )
      | """
        + _COMMON,
        re.VERBOSE | re.DOTALL,
    ),
    Spelling.PLAIN: re.compile(
        r"(?P<space> \s+ ) | (?P<name> (?: [Nn]on-negative(?![A-Za-z]) | [A-Za-z][A-Za-z0-9_'₀-₉]*)"
        r" | [α-ω][₀-₉]*'* ) | " + _COMMON,
        re.VERBOSE,
    ),
    Spelling.LATEX: re.compile(
        r"""
        (?P<space> \s+ | [$~&] )
      | \\mathit \s* \{ (?P<symbol> [A-Za-z][A-Za-z0-9_']* ) \}
      | \\(?:text|textrm|textit|mathrm|mathit|mathbf|mbox|operatorname) \s* \{ (?P<words>[^{}]*) \}
      | \\mathbb \s* \{? \s* (?P<set> [A-Z] ) \s* \}?
      | (?P<greek> \\(?: """
        + "|".join(sorted(GREEK, key=len, reverse=True))
        + r""")(?![A-Za-z]) """
        + _INDEX
        + r""" )
      | \\ (?P<command> [A-Za-z]+ | . )
      | (?P<name> (?<![A-Za-z]) (?i: """
        + "|".join(sorted(WORDS, key=len, reverse=True))
        + r""" ) (?![A-Za-z_]) | [A-Za-zα-ω] """
        + _INDEX
        + r""" )
      | """
        + _COMMON,
        re.VERBOSE | re.DOTALL,
    ),
}
_GAPS = {
    Spelling.PLAIN: {
        Gap.BREAK: re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]"),
        Gap.SPACE: re.compile(r"\s\s|[^\S ]"),
    },
    # In LaTeX a single new line is a space.
    Spelling.LATEX: {
        Gap.BREAK: re.compile(r"\\q?quad|\\[\\()\[\]]|[$&]|~\s*~|\n\s*\n"),
        Gap.SPACE: re.compile(r"\s\s|[^\S ]|(?:\\[ ,:;]\s*){2}"),
    },
}
_SETS = {"R": "ℝ", "N": "ℕ", "Z": "ℤ", "Q": "ℚ", "C": "ℂ"}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_LOWERED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def find_spelling(text: str) -> Spelling:
    """Return how a text is written, by what only one of the spellings has."""
    if re.search(r"\b(?:theorem|lemma|example)\b|:=|[∀∃↑∑∏]|:\s*[ℝℕℤℚℂ]|\b[Rr]eal\.", text):
        return Spelling.LEAN
    return Spelling.LATEX if re.search(r"\\[A-Za-z]|\$|[\^_]\{", text) else Spelling.PLAIN


def quote(text: str, position: int) -> str:
    """Return the surroundings of a place in a text, the place marked `<here>`."""
    before = re.sub(r"\s+", " ", text[max(0, position - 30) : position])
    after = re.sub(r"\s+", " ", text[position : position + 30])
    left = "..." if position > 30 else ""
    right = "..." if position + 30 < len(text) else ""
    return f"'{left}{before}<here>{after}{right}'"


def refuse(text: str, token: Token) -> UnsupportedStatement:
    """Return the error that something is not read though it may be well said."""
    return UnsupportedStatement(
        f"no support for {token.text} at {quote(text, token.start)}; write it without, as a "
        "statement is made of real variables, rationals, + - * /, powers, roots and relations"
    )


def tokenize(text: str, spelling: Spelling) -> list[Token]:
    """Return the tokens of a text, an `END` last.

    Raises:
        StatementError: the text is empty or too long, a sign or command is unknown, or a bracket
            has no partner.
        UnsupportedStatement: something is in it that is not read.
    """
    if not text.strip():
        raise StatementError(
            "the statement is empty; write an inequality such as 'a^2 + b^2 >= 2*a*b'"
        )
    if len(text) > MAX_LENGTH:
        raise StatementError(
            f"the statement has {len(text)} characters and may have {MAX_LENGTH}; shorten it"
        )
    tokens = list(_scan(text, spelling))
    _check_brackets(text, tokens)
    for token in tokens:
        if token.kind is Kind.UNSUPPORTED:
            raise refuse(text, token)
    tokens.append(Token(Kind.END, "", len(text.rstrip()), len(text)))
    return list(_mark_gaps(text, spelling, tokens))


def _mark_gaps(text: str, spelling: Spelling, tokens: Sequence[Token]) -> Iterator[Token]:
    end = 0
    for token in tokens:
        between = text[end : token.start]
        found = (gap for gap, sign in _GAPS.get(spelling, {}).items() if sign.search(between))
        yield token._replace(gap=next(found, Gap.NONE))
        end = token.end


def _scan(text: str, spelling: Spelling) -> Iterator[Token]:
    position = 0
    while position < len(text):
        match = _PATTERNS[spelling].match(text, position)
        if match is None:
            raise StatementError(
                f"the sign {text[position]!r} means nothing at {quote(text, position)}; "
                "remove it or write what it stands for"
            )
        group = match.lastgroup or "space"
        start, position = match.start(), match.end()
        if group not in ("space", "words") and position - start > MAX_DIGITS:
            raise _refuse_length(text, group, start, position - start)
        if group == "command":
            yield from _read_command(text, match)
        elif group == "words":
            yield from _read_words(text, match)
        elif group == "confusing":
            remedy = "10^..." if match[0][-1].isdigit() else ">= or <=, or -> for 'implies'"
            raise StatementError(
                f"{match[0]!r} has no clear meaning at {quote(text, start)}; write {remedy}"
            )
        elif group != "space":
            yield _make(group, match[group], start, position)


def _refuse_length(text: str, group: str, start: int, length: int) -> StatementError:
    named = group in ("name", "greek", "symbol", "command")
    what, unit = ("a name", "letters") if named else ("a number", "digits")
    remedy = "write a product with *" if named else "write a power"
    return StatementError(
        f"{what} at {quote(text, start)} has {length} {unit} and may have {MAX_DIGITS}; "
        f"{remedy} or a shorter one"
    )


def _make(group: str, found: str, start: int, end: int) -> Token:
    """Return the token of a group of the patterns."""
    match group:
        case "number" | "cast":
            return Token(Kind.NUMBER, found, start, end)
        case "power":
            return Token(Kind.POWER, found.translate(_RAISED), start, end)
        case "root":
            return Token(Kind.ROOT, _ROOT_SIGNS[found], start, end)
        case "outside":
            return Token(Kind.UNSUPPORTED, _OUTSIDE_SIGNS[found], start, end)
        case "open" | "close":
            return Token(Kind(group), found, start, end)
        case "set":
            return _make("mark" if found == "R" else "outside", _SETS.get(found, ""), start, end)
        case "symbol":
            return Token(Kind.NAME, found, start, end)
        case "greek" | "name":
            return _make_name(found.removeprefix("\\"), start, end)
        case _:
            return Token(Kind.MARK, _ALIASES.get(found, found), start, end)


def _make_name(found: str, start: int, end: int) -> Token:
    word = found.lower().replace("-", "")
    bare = re.sub(r"^[Rr]eal\.", "", found)
    if word in ("and", "in"):
        return Token(Kind.MARK, word, start, end)
    if word in WORDS:
        return Token(Kind.WORD, word, start, end)
    if bare in FUNCTIONS:
        return Token(Kind.ROOT, FUNCTIONS[bare], start, end)
    name = normalize_name(bare)
    for known in (name, name.partition(".")[0]):
        if known in _OUTSIDE:
            return Token(Kind.UNSUPPORTED, _OUTSIDE[known], start, end)
    return Token(Kind.NAME, name, start, end)


def normalize_name(name: str) -> str:
    """Return a name in the letters that FORMAT.md allows: `x₁` is `x_1`, `α` is `alpha`."""
    name = re.sub("[₀-₉]+", lambda match: "_" + match[0].translate(_LOWERED), name)
    name = re.sub(r"\{\s*(\w+)\s*\}", r"\1", name)
    return "".join(_GREEK_LETTERS.get(letter, letter) for letter in name)


def _read_command(text: str, match: re.Match[str]) -> Iterator[Token]:
    name, start, end = match["command"], match.start(), match.end()
    if name in _DROPPED:
        return
    if name in _COMMANDS:
        found = _COMMANDS[name]
        group = "open" if found in "{[" else "close" if found in "}]" else "mark"
        yield _make(group, found, start, end)
    elif name in _FRACTIONS:
        yield Token(Kind.FRACTION, name, start, end)
    elif name in _OUTSIDE_COMMANDS:
        yield Token(Kind.UNSUPPORTED, _OUTSIDE_COMMANDS[name], start, end)
    elif name in FUNCTIONS or name in _OUTSIDE:
        yield _make_name(name, start, end)
    else:
        raise StatementError(
            f"the LaTeX command '\\{name}' is unknown at {quote(text, start)}; known are \\frac, "
            "\\sqrt, \\cdot, \\times, \\ge, \\le, \\ne, \\left, \\right, \\text and Greek letters"
        )


def _read_words(text: str, match: re.Match[str]) -> Iterator[Token]:
    r"""Yield what `\text{...}` holds: words, or one name."""
    start, content = match.start("words"), match["words"]
    words = list(re.finditer(r"[^\s,;.]+|[,;.]", content))
    known = all(found[0].lower().replace("-", "") in WORDS or found[0] in ",;." for found in words)
    if not known and not is_name(content.strip()):
        raise StatementError(
            f"'{content.strip()[:MAX_DIGITS]}' is text within a formula at {quote(text, start)}; "
            "only words such as 'with', 'for', 'and', 'positive', 'real' are read, or one name"
        )
    for found in words:
        group = "mark" if found[0] in ",;." else "name"
        if len(found[0]) > MAX_DIGITS:
            raise _refuse_length(text, group, start + found.start(), len(found[0]))
        yield _make(group, found[0], start + found.start(), start + found.end())


def _check_brackets(text: str, tokens: Sequence[Token]) -> None:
    partners = {"(": ")", "[": "]", "{": "}"}
    opened: list[Token] = []
    for token in tokens:
        if token.kind is Kind.OPEN:
            opened.append(token)
            if len(opened) > MAX_NESTING:
                raise StatementError(
                    f"brackets are nested more than {MAX_NESTING} deep at "
                    f"{quote(text, token.start)}; write the statement with fewer"
                )
        elif token.kind is Kind.CLOSE:
            if not opened:
                raise StatementError(
                    f"the bracket '{token.text}' at {quote(text, token.start)} closes nothing; "
                    "remove it or open it earlier"
                )
            partner = opened.pop()
            if partners[partner.text] != token.text:
                raise StatementError(
                    f"the bracket '{partner.text}' at {quote(text, partner.start)} is closed by "
                    f"'{token.text}' at {quote(text, token.start)}; let one of them match"
                )
    if opened:
        raise StatementError(
            f"the bracket '{opened[-1].text}' at {quote(text, opened[-1].start)} is never closed; "
            f"add a '{partners[opened[-1].text]}'"
        )
