r"""The LaTeX commands that are read: other names, those without meaning, those that hold text.

Also what to make of `\pik`: texts exist in which commands lost the space behind them.
"""

from __future__ import annotations

import re

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
    "cdotp": "cdot",
    "pm": "±", "mp": "∓", "llcorner": "lfloor", "lrcorner": "rfloor", "ulcorner": "lceil",
    "urcorner": "rceil", "textcirc": "circ", "textdegree": "circ", "mleft": "", "mright": "",
}  # fmt: skip
DROPPED = frozenset(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle "
    "textstyle scriptstyle limits nolimits quad qquad thinspace medspace thickspace enspace "
    "hspace vspace hfill noindent nobreak allowbreak rm bf it mathstrut strut null mleft mright "
    "middle hline small large Large normalsize cdotp boldsymbol bm".split()
)
TEXT_COMMANDS = frozenset(
    "text textbf textit textrm textnormal textsf texttt mbox hbox mathrm mathbf mathit mathsf "
    "mathtt operatorname emph underline uppercase".split()
)
UPRIGHT = frozenset(("mathrm", "mathbf", "mathit", "mathsf", "mathtt"))
WRAPPERS = frozenset(("boxed", "fbox", "mathop", "mathcal", "mathscr", "mathfrak", "ensuremath"))

KNOWN = frozenset(
    "pi sin cos tan cot sec csc ln log exp infty cdot times le ge ne in pm mp alpha beta gamma "
    "delta theta lambda mu nu rho sigma tau phi psi omega sqrt frac binom cup cap sum prod int to "
    "arcsin arccos arctan sinh cosh tanh sec epsilon eta zeta kappa chi xi Delta Gamma Omega "
    "Theta Lambda Sigma Phi Psi ell nabla partial".split()
)
_COMMANDS = KNOWN | ALIASES.keys()
_GLUED_COMMAND = re.compile(
    "(" + "|".join(sorted(_COMMANDS - {"empty", "to", "in", "colon"}, key=len, reverse=True)) + ")"
    r"([A-Za-z]{1,2})"
)
_WHOLE_COMMANDS = frozenset(
    "begin end mathbb mathcal overline overrightarrow vec hat bar angle triangle circ degree mid "
    "lfloor rfloor lceil rceil langle rangle setminus emptyset notin equiv approx sim pmod bmod "
    "mod gcd lcm min max det ldots vdots ddots forall exists lim land lor neg to prime mho perp "
    "iint tilde widehat widetilde underbrace overbrace star bullet parallel mp div lg tg deg arg "
    "subset subseteq supset cong propto choose text therefore because item iff implies top "
    "arccosh arcsinh arctanh arcosh arsinh artanh coth sech csch arcsec arccsc arccot sgn "
    "hbar aleph imath jmath Re Im textcircled not phantom sup inf".split()
)


def is_command(name: str) -> bool:
    """Whether the letters behind a backslash are a command that is read here."""
    return name in _READ


_READ = (
    _COMMANDS
    | _WHOLE_COMMANDS
    | DROPPED
    | TEXT_COMMANDS
    | WRAPPERS
    | frozenset(("frac", "cdot", "quad"))
) - frozenset(
    ("in", "to", "bf", "it", "rm", "min", "max", "not", "top", "mid", "sup", "inf", "div")
)
"""Without those that are also words: a line break stands before words."""


def known_prefix(command: str) -> str:
    """Return the command at the start of a name that is none, with up to two letters behind it."""
    if command in _WHOLE_COMMANDS:
        return ""
    match = _GLUED_COMMAND.fullmatch(command)
    return match[1] if match else ""
