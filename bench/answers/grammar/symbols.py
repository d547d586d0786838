"""The names that the grammar knows: functions, constants, letters and signs, by their spellings."""

from __future__ import annotations

from bench.answers.expressions import IMAGINARY, INFINITY, PI, E

FUNCTIONS = frozenset(
    "sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan arccot arcsec "
    "arccsc arcsinh arccosh arctanh ln log lg exp gcd lcm max min det floor ceil abs sqrt "
    "cbrt sgn sign erf arg Re Im deg".split()
)
FUNCTION_NAMES = {
    **{name: name for name in FUNCTIONS},
    "tg": "tan", "ctg": "cot", "cotan": "cot", "cosec": "csc", "arctg": "arctan",
    "arcctg": "arccot", "asin": "arcsin", "acos": "arccos", "atan": "arctan",
    "arsinh": "arcsinh", "arcosh": "arccosh", "artanh": "arctanh",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "ceiling": "ceil", "GCD": "gcd",
    "LCM": "lcm", "Log": "log", "Ln": "ln", "sgn": "sign", "hcf": "gcd",
}  # fmt: skip
INVERSES = {
    name: f"arc{name}"
    for name in ("sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh")
}
NAMED = {
    "pi": PI, "infty": INFINITY, "infinity": INFINITY, "inf": INFINITY, "oo": INFINITY, "Pi": PI,
    "imath": IMAGINARY, "i": IMAGINARY, "e": E,
}  # fmt: skip
GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho sigma "
    "tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega ell "
    "hbar partial nabla mho aleph".split()
)
ACCENTS = frozenset(
    "vec hat bar overline overrightarrow widehat widetilde tilde dot ddot overleftarrow "
    "angle triangle overarc wideparen odot measuredangle measuredangle".split()
)
CLOSERS = {"(": ")", "[": "]", "{": "}", "group{": "}group"}
FLOORS = {"lfloor": ("floor", "rfloor"), "lceil": ("ceil", "rceil")}
MULTIPLICATION = frozenset(("cdot", "times", "*", "cross"))
DIVISION = frozenset(("/", "div", ":"))
PLURAL_MINUS = frozenset("±∓")
BIG = frozenset(("sum", "prod", "int", "iint", "oint", "lim"))
UNKNOWN_FUNCTIONS = frozenset("f g h F G H".split())
PRODUCT_LETTERS = 3
"""A longer run of letters is one name, not a product: `ab` is a times b, `area` is not."""
GLUED = tuple(
    sorted(("sin", "cos", "tan", "cot", "sec", "csc", "ln", "log", "sqrt"), key=len, reverse=True)
)
