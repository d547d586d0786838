"""What the reader knows at a point of an explanation: names of variables, of radicals, of goals."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from bench.inequalities.explaining.documents import Block, Paragraph
from bench.inequalities.explaining.expressions import write_name
from bench.inequalities.explaining.formulas import (
    Alphabet,
    Formula,
    choose_sign,
    juxtapose,
    make_primitive,
    set_equation,
)
from bench.inequalities.polynomials import Polynomial, constant, size_of

SHORT = 32
"""Width of a polynomial that is repeated where another one gets a name."""

_GROUPS = ("xyz", "uvw", "pqr", "klm")


@dataclass(slots=True)
class Labels:
    """Counts the polynomials that got a name."""

    letter: str
    count: int = 0

    def take(self) -> str:
        """Return the next name."""
        self.count += 1
        return (
            f"{self.letter}_{self.count}" if self.count < 10 else f"{self.letter}_{{{self.count}}}"
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """Names as the reader sees them, in the order of a certificate's exponents."""

    names: tuple[str, ...]
    """Of the variables."""
    labels: Labels
    used: frozenset[str]
    """Names that mean something already, or did."""
    radicals: tuple[str, ...] = ()
    """The radicals' LaTeX."""
    named_radicals: Mapping[str, str] = field(default_factory=dict)
    """What the reader knows radicals by: a name, or for a short one itself."""
    strict: bool = False
    """Whether goals are to be shown > 0."""
    variables: tuple[str, ...] = field(default=(), kw_only=True)
    """The certificate's names of the same variables."""

    @property
    def alphabet(self) -> Alphabet:
        """How polynomials are written."""
        return Alphabet(tuple(map(write_name, self.names)), self.radicals)

    @property
    def relation(self) -> str:
        """What goals are to 0."""
        return ">" if self.strict else r"\ge"

    @property
    def shown(self) -> Mapping[str, str]:
        """The name that the reader sees, by the certificate's."""
        return dict(zip(self.variables, self.names, strict=True))

    def letter(self, i: int) -> str:
        """Return a variable's LaTeX."""
        return write_name(self.names[i])

    def list_letters(self, numbers: Sequence[int] | None = None) -> str:
        """Return variables, separated by commas, all of them by default."""
        shown = range(len(self.names)) if numbers is None else numbers
        return ", ".join(map(self.letter, shown))

    def make_names(self, count: int) -> list[str]:
        """Return so many new names that go together."""
        for group in _GROUPS:
            free = [letter for letter in group if letter not in self.used]
            if len(free) == len(group) and len(free) >= count:
                return free[:count]
        if count > 3:
            for letter in "xyuvw":
                names = [f"{letter}_{i}" for i in range(1, count + 1)]
                if not self.used.intersection(names):
                    return names
        return list(itertools.islice(self._list_free(), count))

    def _list_free(self) -> Iterator[str]:
        letters = "xyzuvwpqrstklm"
        yield from (letter for letter in letters if letter not in self.used)
        for i in itertools.count(1):
            yield from (f"{c}_{i}" for c in letters[:6] if f"{c}_{i}" not in self.used)

    def make_root_names(self, count: int) -> list[str]:
        """Return so many new names for radicals."""
        for letter in "tsr":
            names = [letter] if count == 1 else [f"{letter}_{i}" for i in range(1, count + 1)]
            if not self.used.intersection((letter, *names)):
                return names
        return list(itertools.islice(self._list_free(), count))

    def make_value_name(self) -> str:
        """Return a name for a value that is used in one paragraph only."""
        return next((letter for letter in "VWMNK" if letter not in self.used), r"\Phi")

    def rename(self, names: Mapping[int, str]) -> Scene:
        """Return the scene with other names of some variables, by their numbers."""
        changed = tuple(names.get(i, name) for i, name in enumerate(self.names))
        return dataclasses.replace(self, names=changed, used=self.used.union(changed))

    def quote(self, p: Polynomial) -> str:
        """Return a polynomial's LaTeX."""
        return self.alphabet.write(p).latex


@dataclass(frozen=True, slots=True)
class Stated:
    """A polynomial that is to be shown not negative, as it was told."""

    p: Polynomial
    """The certificate's."""
    shown: Polynomial
    """What is shown: `scale` times it, with whole coefficients."""
    scale: Fraction
    name: str
    """Its name, or else what it is."""
    formula: Formula
    """What it is."""

    @property
    def has_label(self) -> bool:
        """Whether it has a name of its own."""
        return self.name != self.formula.latex

    @property
    def subject(self) -> str:
        """What a sentence about it begins with in its middle."""
        return f"${self.name}$" if self.has_label else "this polynomial"

    @property
    def factor(self) -> str:
        """The name as a factor."""
        return self.name if self.has_label else self.formula.factor


def refer_to(scene: Scene, p: Polynomial) -> Stated:
    """Return a polynomial as something to talk about; one that is long gets a name."""
    shown, scale = make_primitive(p)
    formula = scene.alphabet.write(shown)
    long = formula.whole or formula.width > SHORT
    name = scene.labels.take() if long else formula.latex
    return Stated(p, shown, scale, name, formula)


def define(stated: Stated) -> list[Block]:
    """Return the display that says what a name stands for."""
    blocks: list[Block] = [set_equation(stated.name, stated.formula, ".")]
    if stated.formula.whole:
        blocks.append(
            Paragraph(
                f"It has {stated.formula.whole} terms, of which only the first are written here."
            )
        )
    return blocks


def state_goal(scene: Scene, p: Polynomial, lead: str) -> tuple[Stated, list[Block]]:
    """Return a goal and the sentence that says what is to be shown: `lead` that it is `>= 0`."""
    stated = refer_to(scene, p)
    if p.is_zero() and not scene.strict:
        return stated, [Paragraph("What is left is $0$, which is not negative.")]
    if not stated.has_label:
        end = ", which is true" if p.is_constant() else ""
        return stated, [Paragraph(f"{lead} that ${stated.name} {scene.relation} 0$" + end + ".")]
    head = Paragraph(f"{lead} that ${stated.name} {scene.relation} 0$, where")
    return stated, [head, *define(stated)]


def write_quotient(scene: Scene, top: Polynomial, bottom: Polynomial) -> str:
    """Return a quotient in lowest terms; the bottom is positive."""
    common = top.gcd(bottom)
    top, bottom = top / common, bottom / common
    bottom, times = make_primitive(bottom * choose_sign(bottom))
    top = top * constant(size_of(top), times)
    top, scale = make_primitive(top)
    # With whole numbers above and below: scale = k / l makes the quotient l top / (k bottom).
    top = top * constant(size_of(top), scale.denominator)
    below = scene.alphabet.write(bottom)
    if scale.numerator > 1:
        parts = [] if bottom.is_one() else [below.factor]
        return rf"\frac{{{scene.quote(top)}}}{{{juxtapose([str(scale.numerator), *parts])}}}"
    return scene.quote(top) if bottom.is_one() else rf"\frac{{{scene.quote(top)}}}{{{below.latex}}}"
