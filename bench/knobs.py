"""Knobs: fields of a frozen settings class, each the one home of its type, range and default.

A field is annotated with its type and, where not every number will do, with a `Range`; what it
means is the docstring under it. Whoever takes knobs from a user reads them here: the options of
`rstar-bench`, the arguments of the lm-eval model, the keys of a recipe.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import textwrap
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any


class Use(Enum):
    """What a knob is for, beyond its value."""

    BUDGET = auto()
    """Says how much a search may do. A cut at a number of tokens takes its place."""
    LABEL = auto()
    """Belongs to a row's label, e.g. `mcts 8x4`."""


@dataclass(frozen=True, slots=True)
class Range:
    """Which numbers a knob takes: from `least` up, or above it, to `most`."""

    least: float
    above: bool = False
    """Whether `least` itself is out of range."""
    most: float = math.inf
    below: bool = False
    """Whether `most` itself is out of range."""
    hint: str = ""
    """What to do instead, for the error."""
    sane: float = math.inf
    """Above it a value is no setting but a slip of the hand, whatever the machine."""

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range."""
        low = value > self.least if self.above else value >= self.least
        high = value < self.most if self.below else value <= self.most
        return low and high and value <= self.sane

    def explain(self, value: float) -> str:
        """Return what a value that is not in the range "must be"."""
        return f"at most {self.sane:,.15g}" if value > self.sane else str(self)

    def __str__(self) -> str:
        """Return the range as what a value "must be"."""
        if self.most < math.inf:
            upper = "less than " if self.below else ""
            return f"from {self.least:g} to {upper}{self.most:g}"
        return (
            f"{'above' if self.above else 'at least'} {self.least:g}{self.hint and '; '}{self.hint}"
        )


SANE = 1e9
"""No count and no number of seconds here is larger."""
Count = Annotated[int, Range(1, sane=SANE)]
"""A whole number of at least 1."""
Amount = Annotated[int, Range(0, sane=SANE)]
"""A whole number of at least 0."""
Positive = Annotated[float, Range(0, above=True, sane=SANE)]
"""A number above 0."""
Workers = Annotated[int, Range(1, sane=1024)]
"""Processes, or programs, at the same time."""
Seed = Annotated[int, Range(0, sane=2**32 - 1)]
"""A seed that every generator of random numbers takes."""
Share = Annotated[float, Range(0, most=1)]
"""A number from 0 to 1."""
DropRate = Annotated[float, Range(0, most=1, below=True)]
"""A number from 0 to less than 1."""


@dataclass(frozen=True, slots=True)
class Knob:
    """One field of a settings class."""

    name: str
    kind: type
    """int, float, str or bool."""
    default: Any
    """`dataclasses.MISSING` where a value must be given."""
    description: str
    """The docstring under the field."""
    optional: bool = False
    """Whether None is a value."""
    choices: tuple[str, ...] = ()
    range: Range | None = None
    uses: frozenset[Use] = frozenset()

    @property
    def required(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        return {
            int: "a whole number",
            float: "a finite number",
            bool: "true or false",
            str: "a name",
        }[self.kind]

    def read(self, value: object) -> Any:
        """Return a value of the knob's type. Raises ValueError: what it must be, in words."""
        if value is None and self.optional:
            return None
        if not self.fits(value):
            raise ValueError(self.required)
        if self.range is not None and not self.range.holds(value):  # type: ignore[arg-type]
            raise ValueError(self.range.explain(value))  # type: ignore[arg-type]
        return float(value) if self.kind is float else value  # type: ignore[arg-type]

    def parse(self, text: str) -> Any:
        """Return the value that a text spells. Raises ValueError: what it must be, in words."""
        if self.kind is bool:
            # None would pass for a value where there may be none.
            return self.read({"true": True, "false": False}.get(text, text))
        try:
            value: object = self.kind(text)
        except ValueError:
            raise ValueError(self.required) from None
        return self.read(value)

    def fits(self, value: object) -> bool:
        """Whether a value is of the knob's type, in its range or not."""
        if self.choices:
            return value in self.choices
        if isinstance(value, bool):
            return self.kind is bool
        if self.kind is float:
            return isinstance(value, int | float) and _is_finite(value)
        return isinstance(value, self.kind)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


@cache
def knobs_of(settings: type) -> Mapping[str, Knob]:
    """Return the knobs of a settings class by name; fields of other types are left out."""
    words = describe_fields(settings)
    hints = typing.get_type_hints(settings, include_extras=True)
    found = {}
    for field in dataclasses.fields(settings):
        knob = make_knob(field.name, hints[field.name], field.default, words.get(field.name, ""))
        if knob is not None:
            found[field.name] = knob
    return found


def make_knob(
    name: str, hint: Any, default: Any = dataclasses.MISSING, words: str = ""
) -> Knob | None:
    """Return the knob of a type with its annotations; None for a type that is no knob's."""
    extras: list[object] = []
    optional, choices = False, ()
    while True:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin is Annotated:
            hint, *more = arguments
            extras += more
        elif origin in (UnionType, typing.Union) and NoneType in arguments and len(arguments) == 2:
            optional = True
            (hint,) = (each for each in arguments if each is not NoneType)
        elif origin is typing.Literal:
            hint, choices = str, arguments
        else:
            break
    if hint not in (int, float, str, bool):
        return None
    ranges = [extra for extra in extras if isinstance(extra, Range)]
    return Knob(
        name,
        hint,
        default,
        words,
        optional,
        choices,
        ranges[-1] if ranges else None,
        frozenset(extra for extra in extras if isinstance(extra, Use)),
    )


@cache
def describe_fields(settings: type) -> Mapping[str, str]:
    """Return the docstring under each field of a class and of its bases; none without source."""
    found: dict[str, str] = {}
    for each in reversed(settings.__mro__[:-1]):
        try:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        except (OSError, TypeError, SyntaxError):
            continue
        assert isinstance(tree, ast.ClassDef)
        for field, after in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                found[field.target.id] = inspect.cleandoc(str(after.value.value))
    return found
