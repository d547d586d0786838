"""What is refused before any algebra: text whose reading alone could hang or exhaust a worker.

The bounds are named, and lie far above any reference answer of the benchmarks; none decides a
mathematical question. The first four bound what is read, the rest what is computed from it.
"""

from __future__ import annotations

from bench.types import Outcome

MAX_CHARS = 4000
MAX_TOKENS = 1500
MAX_DEPTH = 40
"""Open brackets of any kind; parsers recurse on them."""
MAX_DIGITS = 400
"""Digits in a row."""
MAX_EXPONENT = 10**6
"""The highest exponent that is evaluated; a constant power above it is refused."""
MAX_FACTORIAL = 10**4
"""Its argument."""
MAX_TERMS = 10**4
"""Terms of a sum or product over a stated range."""
MAX_BITS = 10**6
"""Size of a number that is computed with, as the logarithm of its magnitude."""
MAX_ITEMS = 500
"""Items of a list, set or tuple."""


class TooLarge(Exception):
    """A limit was met; the message says which. Internal: it ends up in a verdict."""

    def __init__(self, reason: str, outcome: Outcome = Outcome.UNPARSED) -> None:
        """Keep what the verdict will be."""
        super().__init__(reason)
        self.outcome = outcome


def check_size(text: str) -> None:
    """Refuse a text that is too long, too deep or has too long a number.

    Raises TooLarge.
    """
    if len(text) > MAX_CHARS:
        raise TooLarge(f"{len(text)} characters; at most {MAX_CHARS} are read")
    depth = deepest = run = longest = 0
    escaped = False
    for character in text:
        if character.isdigit():
            run += 1
            longest = max(longest, run)
            continue
        run = 0
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    if deepest > MAX_DEPTH:
        raise TooLarge(f"brackets nested deeper than {MAX_DEPTH}", Outcome.UNSAFE)
    if longest > MAX_DIGITS:
        raise TooLarge(f"a number of more than {MAX_DIGITS} digits", Outcome.UNSAFE)
