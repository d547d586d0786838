r"""Answers in words, and the letters of multiple choice.

Words are equal when they are the same words, whatever their case, articles and punctuation; nothing
is guessed about synonyms, but for the few phrases that all say "there is none". A letter answers a
choice when it stands first and alone: `C`, `(C)`, `C. 42`; not in `A or B`.
"""

from __future__ import annotations

import re
from collections import Counter

from bench.answers.comparers.finding import Asked, Finding
from bench.answers.expressions import Answer, Symbol, Text

_ARTICLES = frozenset(("a", "an", "the"))
_FILLERS = frozenset("is are be all any every must".split())
_WINNING = frozenset("wins win will has winning strategy".split())
"""Who is asked for a winner is answered by a name."""
_NOT_WORDS = re.compile(r"[^0-9a-z+\-*/=<>()\[\]|^_!%]+")
_WRAPPER = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|rm|bf|operatorname)\s*(?![a-zA-Z])"
)
_CHOICE = re.compile(r"[({\[\s]*([A-J])[)}\]\s]*")
_LABELLED = re.compile(
    r"[({\[\s]*([A-J])(?:[)}\]]+[.:,]?|\s*[.:)]|,(?=\s+[a-z]+ [a-z']+ )"
    r"|,?(?=\s+(?:not|non|because|since)\s)|\s+(?=[A-Z($\d]))\s*(.*)",
    re.DOTALL,
)
_SMALL_LETTER = re.compile(r"[({\[\s]*([a-dfgh])[)}\]\s]*|[\s{]*\(\s*(e)\s*\)[\s}]*")
"""A choice by its small letter; a bare `e` or `i` is a number."""
_OTHER_LETTER = re.compile(r"(?:(?:or|and|/|&)\s*)?\(?[A-J](?:\)|\b(?!['’]))")
_NONE = frozenset(
    (
        "no solution", "no solutions", "no real solution", "no real solutions", "none",
        "does not exist", "no such numbers exist", "emptyset", "there are no solutions",
        "there is no solution", "dne",
    )
)  # fmt: skip

_MANY = frozenset(
    (
        "infinitely many", "infinitely many solutions", "infinite", "infinite solutions",
        "infinite number of solutions", "there are infinitely many", "infinite number",
        "there are infinitely many solutions",
    )
)  # fmt: skip
_ALL = frozenset(("all real numbers", "all reals", "any real number", "mathbb r", "real numbers"))


def words(gold: Answer, prediction: Answer, asked: Asked) -> Finding | None:
    """At least one side is words."""
    pair = gold, prediction
    for phrases, what in (
        (_NONE, "there is none"),
        (_ALL, "all of them"),
        (_MANY, "there is no end of them"),
    ):
        if all(_says(x, phrases) for x in pair):
            return Finding(True, "text", what)
    if not any(isinstance(x, Text) for x in pair):
        return None
    if not all(isinstance(x, Text | Symbol) for x in pair):
        return Finding(False, "text", "words against mathematics")
    texts = [
        x.words if isinstance(x, Text) else x.name if isinstance(x, Symbol) else "" for x in pair
    ]
    forms = [normal_words(t, case=asked.conventions.case) for t in texts]
    same = forms[0] == forms[1] and bool(forms[0])
    if not same:
        bare = [
            " ".join(w for w in f.removeprefix("all ").split() if w not in _WINNING) for f in forms
        ]
        same = bare[0] == bare[1] != "" and "no" not in bare[0].split()
    if not same:
        short = [sorted(w for w in f.split() if w not in _FILLERS) for f in forms]
        same = short[0] == short[1] and len(short[0]) == 2  # `odd n`, `n is odd`
    return Finding(same, "text", "the same words" if same else "different words")


def _says(x: Answer, phrases: frozenset[str]) -> bool:
    if isinstance(x, Symbol):
        return x.name.lower() in phrases
    return isinstance(x, Text) and normal_words(x.words, case=False) in phrases


def normal_words(text: str, *, case: bool) -> str:
    """Return words in one case, without articles and punctuation."""
    if not case:
        text = text.lower()
    return " ".join(w for w in _NOT_WORDS.sub(" ", text).split() if w not in _ARTICLES)


_OPTION = re.compile(r"^\s*(?:option|choice|answer)s?\s*:?\s*(?=[({]*[A-J]\b)", re.IGNORECASE)
_LETTERS = re.compile(r"[({\s]*[A-J](?:[)}\s]*(?:,|and|&|;|\s)*[({\s]*[A-J])+[)}\s]*")
_TRUTH = {
    **dict.fromkeys("yes true correct 是 是的 对 对的 正确".split(), True),
    **dict.fromkeys("no false incorrect 否 不 不是 不对 错 错误 不正确".split(), False),
}
"""Words that say of a statement that it holds, or that it does not."""
_INITIALS = {"Y": True, "T": True, "N": False, "F": False}
"""Their first letters, which are names unless the other side is such a word."""
_FIRST_WORD = re.compile(r"[{\s]*([A-Za-z]+|[\u4e00-\u9fff]+)[}\s]*(?:[.,;:!，。；！]|$)")
_STRONG_LABEL = re.compile(r"[({\[\s]*[A-J]\s*[)\].:]+\s|[A-J]\)")
"""A letter that can be nothing but a label: with a stop and a space, or a bracket never opened."""
_STATEMENTS = re.compile(r"[IVX]+(?:\W+(?:(?:and|or|only)\b\W*)*[IVX]+)*(?:\W+only)?\W*")
"""The Roman numbers of statements, as in `I, III and IV`, which are no letters of choices."""


def choices(gold: str, prediction: str) -> Finding | None:
    """A reference that is the letter of a choice, perhaps with the text of it; both as written."""
    gold, prediction = (
        _WRAPPER.sub("", x).replace("$", "").replace("**", "").strip() for x in (gold, prediction)
    )
    gold, prediction = (_OPTION.sub("", x) for x in (gold, prediction))
    several = [_LETTERS.fullmatch(x.rstrip(".")) for x in (gold, prediction)]
    if all(several) and any("," in x or "and" in x for x in (gold, prediction)):
        sets = [sorted(re.findall(r"[A-J]", re.sub("and", "", x))) for x in (gold, prediction)]
        same = sets[0] == sets[1]
        return Finding(same, "choice", "the same choices" if same else "different choices")
    if (agree := _same_truth(gold, prediction)) is not None:
        return Finding(agree, "text", "both say yes, or no" if agree else "yes against no")
    bare = _CHOICE.fullmatch(gold.rstrip("."))
    labelled = None if bare or several[0] else _LABELLED.fullmatch(gold)
    if bare is None and (labelled is None or not labelled[2].strip()):
        return None
    letter = (bare or labelled)[1] if (bare or labelled) else ""  # type: ignore[index]
    given = _CHOICE.fullmatch(prediction.rstrip("."))
    if bare and (small := _SMALL_LETTER.fullmatch(prediction.rstrip("."))):
        name = (small[1] or small[2]).upper()
        same = name == letter
        return Finding(same, "choice", f"choice {name}" + ("" if same else f", not {letter}"))
    if given is None:
        given = _LABELLED.fullmatch(prediction)
        if given is None:
            return None
        strong = bare is not None and _STRONG_LABEL.match(prediction)
        if not (strong and _STATEMENTS.fullmatch(given[2])) and _OTHER_LETTER.match(given[2]):
            return None
        if not (strong or _is_prose(given[2])):
            return None
    if bare is None and given[1] != letter:
        return None  # the text of the choice may still be the answer
    same = given[1] == letter
    if same and labelled is not None and given.re is _LABELLED and given[2].strip():
        mine, other = (normal_words(x, case=False) for x in (labelled[2], given[2]))
        if mine != other:
            return None
    return Finding(same, "choice", f"choice {given[1]}" + ("" if same else f", not {letter}"))


def _same_truth(gold: str, prediction: str) -> bool | None:
    """Whether two answers say the same of a statement; none unless one is nothing but yes or no.

    The other one may explain: `Yes, since ...`.
    """
    firsts = [_FIRST_WORD.match(x) for x in (gold, prediction)]
    found = [_TRUTH.get(first[1].lower()) if first else None for first in firsts]
    whole = [x.strip("{}.。！! ") for x in (gold, prediction)]
    said = [x.lower() in _TRUTH for x in whole]
    for k in (0, 1):
        if said[1 - k]:
            found[k] = _INITIALS.get(whole[k], found[k])
    if None in found or not any(said):
        return None
    return found[0] is found[1]


def _is_prose(rest: str) -> bool:
    """Whether what follows the letter explains it, and does not calculate with it."""
    return not rest.lstrip().startswith(
        ("+", "-", "*", "/", "^", "=", "_", "\\cdot", "\\times", ",")
    )


def choice_text(gold: str) -> str:
    """Return the text of a labelled choice, `Cecile` in `C Cecile`; or nothing."""
    labelled = _LABELLED.fullmatch(_WRAPPER.sub("", gold).replace("$", "").strip())
    return labelled[2].strip() if labelled else ""


_SPACES = r"(?:\s|~|\\[,;: ]|\\q?quad(?![a-zA-Z]))*"
_LABEL = re.compile(
    r"(?:\s|\$|\\\()*"
    r"(?P<font>\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox)\s*\{\s*)?"
    rf"\((?P<letter>[A-J])\)[.:]?(?P<gap>{_SPACES})(?P<end>(?(font)\}}{_SPACES})?)"
)
"""The label of a choice, in letters of its own or set apart from what follows."""
_CALCULATES = re.compile(
    r"[\s$]*(?:[+*/^=_,!'<>]"
    r"|\\(?:cdot|times|div|cup|cap|in|to|leq?|geq?|neq?|approx)(?![a-zA-Z]))"
)
_SHORT_RUN = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{1,3}(?![A-Za-z])")
"""Letters that may be variables."""


def labelled_value(gold: str, prediction: str) -> str:
    r"""Return `12` of the prediction `\textbf{(C) }12`, where the reference is a value.

    Nothing where the reference has the letter itself, as a choice or a variable: `(C)12` may be a
    product then. Nor is it a label where it is calculated with: `(C)+12`, `(A)(12)`.
    """
    label = _LABEL.match(prediction)
    if label is None or any(label["letter"] in run for run in _SHORT_RUN.findall(gold)):
        return ""
    plain = _WRAPPER.sub("", gold).replace("$", "").strip()
    if _CHOICE.fullmatch(plain) or _LABELLED.fullmatch(plain):
        return ""
    rest = prediction[label.end() :]
    if not rest or _CALCULATES.match(rest):
        return ""
    if label["font"]:
        return rest if label["end"] else label["font"] + rest  # `\text{(C) 12}`
    return rest if label["gap"] or rest[0].isalnum() or rest[0] in "\\$" else ""


_RUNS = re.compile(r"[\s$]*[A-Za-z]{2,}(?:\s*,\s*[A-Za-z]{2,})*[\s$.]*")
_FONT = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname)\s*\{([^{}\\]*)\}"
)
_VARIABLES = frozenset("xyzabcmnpqrstuvkdghlw")
"""Letters that are usually multiplied with each other; most words have others, too."""
_PRODUCT = 2
"""As many capital letters may be a product, or the ends of a segment: `AB` is `BA`."""


def reordered(gold: str, prediction: str) -> Finding | None:
    """Words, orderings and outcomes of the same letters: `CAB` is not `ABC`, as `xyz` is `zyx`.

    Only for what is nothing but runs of letters; with a number or a sign, it is mathematics.
    """
    texts = [_FONT.sub(r"\1", x) for x in (gold, prediction)]
    if not all(_RUNS.fullmatch(x) for x in texts):
        return None
    g, p = (Counter(re.findall(r"[A-Za-z]+", x)) for x in texts)
    mine, others = list((g - p).elements()), list((p - g).elements())
    if not mine or Counter(map(_letters, mine)) != Counter(map(_letters, others)):
        return None
    if any(_is_product(run) for run in (*mine, *others)):
        return None
    return Finding(False, "text", "the same letters in another order")


def _letters(run: str) -> str:
    return "".join(sorted(run))


def _is_product(run: str) -> bool:
    """Whether a run of letters may be the product of them."""
    if run.isupper():
        return len(run) <= _PRODUCT
    return len(run) <= _PRODUCT or _VARIABLES.issuperset(run.lower())
