"""A goal that is an expression, as the reader knows it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.inequalities.explaining.documents import Block, Display, Paragraph
from bench.inequalities.explaining.expressions import write_expression
from bench.inequalities.explaining.formulas import measure
from bench.inequalities.explaining.scenes import Scene
from bench.inequalities.proving.goals import Goal
from bench.inequalities.statements import Expression

WIDE = 90
"""Width of a goal that is not told again after a substitution."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A goal that is an expression, as the reader knows it."""

    scene: Scene
    goal: Goal

    def write(self, e: Expression) -> str:
        """Return an expression in the reader's names."""
        return write_expression(e, self.scene.shown)

    @property
    def latex(self) -> str:
        """What is to be shown."""
        e, relation = self.goal.expression, self.scene.relation
        if isinstance(e, tuple) and e[0] == "+" and len(e) == 3:
            left, last = e[1], e[2]
            if isinstance(last, tuple) and last[0] == "-":
                return f"{self.write(left)} {relation} {self.write(last[1])}"
        return f"{self.write(e)} {relation} 0"

    def say(self, lead: str) -> list[Block]:
        """Return the sentence that tells the goal."""
        latex = self.latex
        if measure(latex) <= (WIDE // 4 if r"\frac" in latex else WIDE // 2):
            return [Paragraph(f"{lead} ${latex}$.")]
        return [Paragraph(lead), Display((f"{latex}.",))]
