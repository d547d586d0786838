r"""Cuts an answer, in LaTeX or plain text, into tokens. Spelling is settled here, meaning later.

Font, size and spacing commands vanish; `\dfrac`, `**`, `≤` and their like get one spelling. Only
the words of `\text{...}` are words for certain: a run of letters elsewhere may be `ab` or `cm`, and
keeps its kind `letters` until the parser sees where it stands. Linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum

from bench.answers.limits import MAX_TOKENS, TooLarge
from bench.answers.units import is_unit_word


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


_SIGNS = {
    "\u2212": "-", "\u2013": "-", "\u2014": "-", "\u2010": "-", "\u2011": "-",
    "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "•": r"\cdot ", "∗": "*",
    "÷": r"\div ", "∕": "/", "⁄": "/", "°": r"^\circ ", "º": r"^\circ ", "∞": r"\infty ",
    "≤": r"\le ", "≥": r"\ge ", "⩽": r"\le ", "⩾": r"\ge ", "≦": r"\le ", "≧": r"\ge ",
    "≠": r"\ne ", "≈": r"\approx ", "≡": r"\equiv ", "±": r"\pm ", "∓": r"\mp ",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∉": r"\notin ", "∅": r"\emptyset ",
    "√": r"\sqrt ", "∛": r"\sqrt[3] ", "∜": r"\sqrt[4] ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "′": "'", "″": "''", "’": "'",
    "“": '"', "”": '"', "‖": "|", "∣": "|", "⟨": r"\langle ", "⟩": r"\rangle ", "…": r"\ldots ",
    "∧": r"\land ", "∨": r"\lor ", "→": r"\to ", "∠": r"\angle ", "△": r"\triangle ",
    "％": "%", "¬": r"\neg ", "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ", "∶": ":", "：": ":",
    "¥": r"\text{ yuan }", "￥": r"\text{ yuan }", "€": r"\text{ euro }", "£": r"\text{ gbp }",
    "、": ",", "。": ".", "；": ";",
    "∖": r"\setminus ", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ",
    **{s: f"^{{{d}}}" for d, s in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{s: f"_{{{d}}}" for d, s in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    "ⁿ": "^{n}", "⁻": "^-",
    **{
        fraction: rf"\frac{{{top}}}{{{bottom}}}"
        for fraction, top, bottom in (
            ("½", 1, 2), ("⅓", 1, 3), ("⅔", 2, 3), ("¼", 1, 4), ("¾", 3, 4), ("⅕", 1, 5),
            ("⅖", 2, 5), ("⅗", 3, 5), ("⅘", 4, 5), ("⅙", 1, 6), ("⅚", 5, 6), ("⅛", 1, 8),
            ("⅜", 3, 8), ("⅝", 5, 8), ("⅞", 7, 8),
        )
    },
}  # fmt: skip
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
    "sigma_ sigma tau upsilon phi chi psi omega"
).split()
_SIGNS |= {chr(0x3B1 + k): rf"\{name.strip('_')} " for k, name in enumerate(_GREEK)}
_SIGNS |= {
    chr(0x391 + k): rf"\{name.capitalize()} " for k, name in enumerate(_GREEK) if name != "sigma_"
}
_TRANSLATION = str.maketrans(_SIGNS)
_CIRCLED = re.compile("[\u2460-\u2473]+")
"""Numbers of statements, as in ②③; each is one item."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")

ALIASES = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom",
    "leq": "le", "leqslant": "le", "leqq": "le", "geq": "ge", "geqslant": "ge", "geqq": "ge",
    "lt": "<", "gt": ">", "neq": "ne", "cdots": "ldots", "dots": "ldots", "dotsc": "ldots",
    "dotsb": "ldots", "varnothing": "emptyset", "empty": "emptyset", "lbrace": "{", "rbrace": "}",
    "lbrack": "[", "rbrack": "]", "lgroup": "(", "rgroup": ")", "lvert": "|", "rvert": "|",
    "vert": "|", "lVert": "|", "rVert": "|", "Vert": "|", "mid": "mid", "ast": "*",
    "cupdot": "cup", "bigcup": "cup", "sqcup": "cup", "bigcap": "cap", "backslash": "setminus",
    "smallsetminus": "setminus", "wedge": "land", "vee": "lor", "varphi": "phi",
    "varepsilon": "epsilon", "vartheta": "theta", "arcsin": "arcsin", "thickapprox": "approx",
    "simeq": "approx", "colon": ":", "rightarrow": "to", "longrightarrow": "to", "newline": "\\",
    "cdotp": "cdot", "llcorner": "lfloor", "lrcorner": "rfloor", "ulcorner": "lceil",
    "urcorner": "rceil", "textcirc": "circ", "textdegree": "circ", "mleft": "", "mright": "",
}  # fmt: skip
_DROPPED = frozenset(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle "
    "textstyle scriptstyle limits nolimits quad qquad thinspace medspace thickspace enspace "
    "hspace vspace hfill noindent nobreak allowbreak rm bf it mathstrut strut null mleft mright "
    "middle hline small large Large normalsize cdotp boldsymbol bm".split()
)
TEXT_COMMANDS = frozenset(
    "text textbf textit textrm textnormal textsf texttt mbox hbox mathrm mathbf mathit mathsf "
    "mathtt operatorname emph underline uppercase".split()
)
_UPRIGHT = frozenset(("mathrm", "mathbf", "mathit", "mathsf", "mathtt"))
_WRAPPERS = frozenset(("boxed", "fbox", "mathop", "mathcal", "mathscr", "mathfrak", "ensuremath"))

_THOUSANDS = r"(?<![\d,])\d{1,3}(?:(?:,|\{,\}|\\,|,\\!|\\!,|\\\s)\d{3}){1,7}(?!,?\d)(?:\.\d+)?"
_PLAIN = (
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
        r"|(?P<sym>\\\\|\\[{}%$&#_|]|<=|>=|!=|=<|=>|==|\*\*|.)",
        re.DOTALL,
    )
    for commas, numbers in _NUMBERS.items()
}
_SPELT = {
    r"\{": "{", r"\}": "}", r"\%": "%", r"\$": "dollar", r"\|": "|", "<=": "le", ">=": "ge",
    "=<": "le", "=>": "ge", "!=": "ne", "==": "=", "**": "^", r"\&": "and", r"\_": "_", r"\#": "#",
}  # fmt: skip
_CIRCLES = re.compile(r"(?:\\textcircled\s*\{?[^{}]{0,20}\d+[\s}]*)+")
_PRIMES = re.compile(r"\^\s*(?:\{\s*(?:\\prime\s*)+\}|\\prime)")
_ORDINAL = re.compile(r"(?<=\d)(?:\^?\{?\\(?:text|mathrm)\{\s*(?:st|nd|rd|th)\}\}?|(?:st|nd|rd|th)\b)")
_PER_CENT = re.compile(r"per\s+cent\b")
_NAMED_SETS = (
    (re.compile(r"\\mathbb\s*\{?R\}?\s*(?:\^|_)\s*\{?(?:\+|>\s*0)\}?"), r"(0,\\infty)"),
    (re.compile(r"\\mathbb\s*\{?R\}?\s*(?:\^|_)\s*\{?(?:-|<\s*0)\}?"), r"(-\\infty,0)"),
    (re.compile(r"\\mathbb\s*\{?R\}?\s*_\s*\{\s*(?:\\geq?|>=)\s*0\}"), r"[0,\\infty)"),
)
_BASIS = re.compile(
    r"\\(?:mathbf|hat|vec|boldsymbol|bm)\s*\{\s*(?:\\(?:mathbf|boldsymbol|bm)\s*\{\s*)?"
    r"\\?([ijk])(?:math)?\s*\}(?:\s*\}(?<=\}\}))?"
)
"""The unit vectors, which are not the imaginary unit."""
_HALF_DAY = re.compile(r"\b([apAP])\.\s?[mM]\.")
_GLUED_JOINT = re.compile(r"(?<=[\d)}])(or|and)(?=\\?[A-Za-z]\w?\s*[=(<>\\])")
"""`x=0orx=1`: texts exist that lost their spaces."""
_SPACED_THOUSANDS = re.compile(r"\s*[-+]?\d{1,3}(?: \d{3})+(?:\.\d+)?\s*")
_DOUBLED = re.compile(r"\\\\(?=(?:boxed|text|frac|dfrac|sqrt|left|right|pi|quad|cdot|circ)\b)")


def cleaned(text: str) -> str:
    """Return the text with one spelling for characters that look or mean the same."""
    if not text.isascii():
        text = _CIRCLED.sub(lambda m: ",".join(str(ord(c) - 0x245F) for c in m[0]), text)
        text = _INVISIBLE.sub("", text).translate(_TRANSLATION)
        text = unicodedata.normalize("NFKC", text)
    if "textcircled" in text:
        text = _CIRCLES.sub(lambda m: ",".join(re.findall(r"\d+", m[0])), text)
    text = _PRIMES.sub(lambda m: "'" * m[0].count("prime"), text)
    text = _HALF_DAY.sub(r"\1m", text)
    text = _PER_CENT.sub("percent", text)
    for pattern, spelling in _NAMED_SETS:
        text = pattern.sub(spelling, text)
    text = _BASIS.sub(r"\\mathbb{\1}", text)
    text = _ORDINAL.sub("", text)
    text = _GLUED_JOINT.sub(r" \1 ", text)
    if r"\\" in text and r"\begin" not in text:
        text = _DOUBLED.sub(r"\\", text)  # a string escaped once too often
    return text


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
            if token in TEXT_COMMANDS or token in _WRAPPERS:
                content, position = _argument(text, position)
                if token in TEXT_COMMANDS:
                    first = len(tokens)
                    _lex(content, commas, tokens, words=True)
                    if token in _UPRIGHT:
                        tokens[first:] = [_upright(t) for t in tokens[first:]]
                else:
                    tokens.append(Token("sym", "group{", spaced))
                    _lex(content, commas, tokens, words=words)
                    tokens.append(Token("sym", "}group"))
                spaced = True
                continue
            if token in _DROPPED:
                if token in ("left", "right") and text[position : position + 1] == ".":
                    position += 1
                spaced = spaced or token in ("quad", "qquad")
                continue
            token = ALIASES.get(token, token)
            if token not in _KNOWN and (known := _known_prefix(token)):
                # `\\pik`: a command that lost the space after it
                position -= len(token) - len(known)
                token = ALIASES.get(known, known)
            if not token[0].isalpha():
                kind = "sym"
        elif kind == "num":
            token = _plain_number(token, commas)
        elif kind == "letters" and words:
            kind = "word" if len(token) > 1 else "letters"
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


_KNOWN = frozenset(
    "pi sin cos tan cot sec csc ln log exp infty cdot times le ge ne in pm mp alpha beta gamma delta "
    "theta lambda mu nu rho sigma tau phi psi omega sqrt frac binom cup cap sum prod int to "
    "arcsin arccos arctan sinh cosh tanh sec epsilon eta zeta kappa chi xi Delta Gamma Omega "
    "Theta Lambda Sigma Phi Psi ell nabla partial".split()
)
_COMMANDS = _KNOWN | ALIASES.keys()
_GLUED_COMMAND = re.compile(
    "(" + "|".join(sorted(_COMMANDS - {"empty", "to", "in", "colon"}, key=len, reverse=True)) + ")"
    r"([A-Za-z]{1,2})"
)
_WHOLE_COMMANDS = frozenset(
    "begin end mathbb mathcal overline overrightarrow vec hat bar angle triangle circ degree mid "
    "lfloor rfloor lceil rceil langle rangle setminus emptyset notin equiv approx sim pmod bmod mod "
    "gcd lcm min max det ldots vdots ddots forall exists lim land lor neg to prime mho perp iint "
    "tilde widehat widetilde underbrace overbrace star bullet parallel mp div lg tg deg arg "
    "subset subseteq supset cong propto choose text therefore because item iff implies top "
    "arccosh arcsinh arctanh arcosh arsinh artanh coth sech csch arcsec arccsc arccot sgn "
    "hbar aleph imath jmath Re Im textcircled not phantom sup inf".split()
)


def _known_prefix(command: str) -> str:
    """The command at the start of a name that is none, when one or two letters are left over."""
    if command in _WHOLE_COMMANDS:
        return ""
    match = _GLUED_COMMAND.fullmatch(command)
    return match[1] if match else ""


_DEEPER = frozenset(("(", "[", r"\{"))
_SHALLOWER = frozenset((")", "]", r"\}"))


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


_SEPARATOR = re.compile(r"\{,\}|\\[,!\s]|,|\s")


def _plain_number(token: str, commas: Commas) -> str:
    if commas is Commas.DECIMAL:
        token = token.replace(".", "") if "," in token else token
        return _SEPARATOR.sub(".", token)
    return _SEPARATOR.sub("", token)
