r"""What is taken for granted when two answers are compared; stored with every run.

An answer such as `10\%`, `2, 3` or `5` (for `5` cm) means different things to different people.
Each such question is an option here, with the default that the benchmarks' own references call for.
Changing one changes scores, so a run keeps `asdict(conventions)` in its configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.errors import BenchError


@dataclass(frozen=True, slots=True)
class Conventions:
    """The options of `check`; `dataclasses.asdict` is what a run stores."""

    percent: bool = True
    r"""Whether `10\%` equals `0.1` and `1/10`. It never equals a bare `10`."""
    tolerance: float = 1e-6
    """Relative error at which a decimal stands for an exact number, such as `1.414214` for the root
    of two. Integers are exact: a prediction may be off by floating-point noise only."""
    decimals: bool = True
    """Whether a reference printed with decimals accepts what rounds to it at its last digit, halves
    away from zero: 0.33 accepts 0.333, 0.325 and 1/3, not 0.335. One of a single digit (0.5) is
    exact, and so is a whole number (2.0); an irrational number takes four digits. Without it,
    decimals are compared at `tolerance`."""
    ordered_lists: bool = False
    """Whether the order of a bare list, as in `2, 3`, matters. Tuples are always ordered, sets
    never."""
    units: bool = True
    """Whether a unit may be left out on one side. Two different units are never equal."""
    prefixes: bool = True
    """Whether `x = 5` equals `5`: the name on the left of an equation is dropped if only one side
    has it."""
    degrees: bool = True
    r"""Whether the sign for degrees may be left out, and `180^\circ` equals `\pi`."""
    separators: bool = True
    r"""Whether `1,234`, `1\,234` and `1 234` are one number, and `3,5` may be a decimal comma."""
    case: bool = False
    """Whether the case of words matters, as in `Even` and `even`. That of symbols always does, but
    for the letter of a choice: `b` answers `B`."""
    guess: Literal["accept", "refuse", "report"] = "report"
    """What becomes of an answer that nothing in the text states: its last formula or number. It is
    judged like any other, or is none; `report` judges that of an answer in a few words, and says of
    a longer text's what it would have been, without counting it as right."""

    def __post_init__(self) -> None:
        """Refuse a tolerance that is not one."""
        if not 0 <= self.tolerance < 1:
            raise BenchError(
                f"tolerance {self.tolerance!r}: a relative error, at least 0 and below 1, is meant"
            )


DEFAULT = Conventions()
"""What every figure in the README was measured with."""
