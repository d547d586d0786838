"""The answer checker in its caller's thread: any two texts get a decision, or no time for one."""

from __future__ import annotations

from bench.answers import DEFAULT
from bench.answers.budget import OutOfTime, budget
from bench.answers.deciding import decide
from bench.types import Outcome

SEPARATOR = "\x1e"
SECONDS = 0.5
"""Of CPU: instrumented code is an order of magnitude slower than code at work."""

_PAIRS = (
    ("42", "The answer is $42$."),
    (r"\frac{3}{4}", r"Thus we get \boxed{0.75}."),
    (r"x \in [-2, 7)", r"\boxed{[-2,7)}"),
    (
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\left(\begin{matrix}1&2\\3&4\end{matrix}\right)",
    ),
    (r"2\sqrt{3} + \pi", r"\boxed{\pi+2\sqrt3}"),
    ("(3, \\frac{\\pi}{2})", r"$\left(3,\frac{\pi}{2}\right)$"),
    (r"11\frac{1}{2}", "11.5 hours"),
    (r"x^2 - 3x + 2 = 0", r"\boxed{(x-1)(x-2)=0}"),
    (r"\text{Evelyn}", "Evelyn"),
    (r"10_{7} \cup \emptyset", r"{1,2} \cup \{3\}"),
    ("1,234,567.89", "1 234 567,89"),
    (r"0.\overline{3}", "1/3"),
    (r"\sum_{k=1}^{10} k!", "4037913"),
    (r"\lfloor 3.7 \rfloor \bmod 2", "1"),
    ("seventy-two", "72 apples"),
    (r"e^{i\pi}+1", "0"),
)
SEEDS = tuple(SEPARATOR.join(pair).encode() for pair in _PAIRS)
FOUND: tuple[bytes, ...] = (
    # A unit behind a value of which nothing is left but its ends.
    b"Yfrac{3}{4}\x1eThus we get \\brac{3}\xc47,0>>>>\\{4}\x1e^^Thus(we get ox\xff\xff\xff\x05.",
    # Nothing under an accent.
    b"42\x1ethe answer\n\\overline{}=5",
)


def try_input(data: bytes) -> None:
    """Compare two texts, each with itself as well."""
    gold, _, prediction = data.decode("utf-8", "replace").partition(SEPARATOR)
    for reference, answer in ((gold, prediction), (gold, gold), (prediction, prediction)):
        try:
            with budget(SECONDS):
                found = decide(reference, answer, DEFAULT)
        except (OutOfTime, RecursionError):  # these are asked again in a process of their own
            continue
        if reference == answer and found.outcome is Outcome.WRONG:
            raise AssertionError(f"{answer!r} is not itself: {found}")
