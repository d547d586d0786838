"""A certificate as a document: the theorem, the proofs of its claims, a word on equality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from bench.inequalities.checker import check_proof
from bench.inequalities.explaining.claims import Claimed
from bench.inequalities.explaining.documents import (
    Block,
    Display,
    Document,
    Items,
    Paragraph,
    find_formulas,
    join_sentences,
    list_formulas,
)
from bench.inequalities.explaining.expression_steps import explain_steps
from bench.inequalities.explaining.expressions import choose_names, write_name, write_relation
from bench.inequalities.explaining.formulas import CYCLIC
from bench.inequalities.explaining.scenes import Labels, Scene
from bench.inequalities.proving.goals import FREE, NONNEGATIVE, POSITIVE, begin, read_constant
from bench.inequalities.statements import Relation, Statement, evaluate, from_json

EQUAL_VALUES = [Fraction(x) for x in "1 1/2 1/3 1/4 2 3 1/5 1/6".split()]
"""Values of all variables at which equality is looked for."""


def explain(certificate: Mapping[str, Any]) -> Document:
    """Return the proof that a certificate is, in words, after checking it.

    Raises ProofError where it is no proof.
    """
    check_proof(certificate)
    statement = from_json(certificate["statement"])
    labels = Labels(_choose_letter(statement))
    proofs = []
    for number, (claim, steps) in enumerate(
        zip(statement.claims, certificate["proofs"], strict=True), 1
    ):
        blocks = [*explain_proof(statement, claim, steps, labels), *_conclude(statement, claim)]
        first = blocks[0]
        if isinstance(first, Paragraph) and first.text.startswith("Indeed,"):
            blocks[0] = Paragraph(first.text.replace("Indeed,", "We have", 1))
        title = f" of ({number})" if len(statement.claims) > 1 else ""
        proofs.append((title, join_sentences(blocks)))
    document = Document(tuple(_state(statement)), tuple(proofs))
    return _explain_cyclic(document, statement)


def explain_proof(
    statement: Statement, claim: Relation, steps: Sequence[Mapping[str, Any]], labels: Labels
) -> list[Block]:
    """Return the proof of one claim in words; the steps have to be checked already."""
    goal, names = begin(statement, claim), choose_names(statement.variables)
    strict = goal.strict and steps[0]["step"] != "gap"
    scene = Scene(names, labels, frozenset(names), strict=strict, variables=statement.variables)
    return explain_steps(Claimed(scene, goal), steps)


def _choose_letter(statement: Statement) -> str:
    """Return a letter for polynomials that no variable begins with."""
    taken = {name[0] for name in statement.variables}
    return next((letter for letter in "PQFGHRST" if letter not in taken), r"\Pi")


# The theorem


def _state(statement: Statement) -> list[Block]:
    given = _write_assumptions(statement)
    shown = _show_names(statement)
    claims = [write_relation(claim, shown) for claim in statement.claims]
    if len(claims) == 1:
        return [Paragraph(f"{given} Then"), Display((f"{claims[0]}.",))]
    blocks: list[Block] = [Paragraph(f"{given} Then")]
    for number, claim in enumerate(claims, 1):
        blocks.append(Display((rf"{claim} \qquad ({number})",)))
    return blocks


_KINDS = {
    POSITIVE: "positive real number",
    NONNEGATIVE: "nonnegative real number",
    FREE: "real number",
}


def _show_names(statement: Statement) -> dict[str, str]:
    return dict(zip(statement.variables, choose_names(statement.variables), strict=True))


def _write_assumptions(statement: Statement) -> str:
    """Return the sentence that introduces the variables and what is assumed of them."""
    signs: dict[str, str] = dict.fromkeys(statement.variables, FREE)
    shown = _show_names(statement)
    others = []
    for relation in statement.assumptions:
        op, left, right = relation
        if op in ("<", "<="):
            op, left, right = {"<": ">", "<=": ">="}[op], right, left
        if isinstance(left, str) and op in (">", ">=") and read_constant(right) == 0:
            if op == ">" or signs[left] == FREE:
                signs[left] = POSITIVE if op == ">" else NONNEGATIVE
        else:
            others.append(relation)
    groups = []
    for kind, words in _KINDS.items():
        names = [shown[v] for v in statement.variables if signs[v] == kind]
        if names:
            listed = ", ".join(map(write_name, names))
            number = f"a {words}" if len(names) == 1 else f"{words}s"
            groups.append(f"${listed}$ be {number}")
    text = f"Let {', and let '.join(groups)}"
    if others:
        text += f" with {list_formulas([write_relation(relation, shown) for relation in others])}"
    return text + "."


# The end


def _conclude(statement: Statement, claim: Relation) -> list[Block]:
    sentence = "This proves the inequality."
    point = _find_equality(statement, claim)
    if point is not None:
        names = " = ".join(map(write_name, choose_names(statement.variables)))
        value = (
            str(point)
            if point.denominator == 1
            else rf"\frac{{{point.numerator}}}{{{point.denominator}}}"
        )
        sentence += f" Equality holds, for example, for ${names} = {value}$."
    return [Paragraph(sentence, apart=True)]


def _find_equality(statement: Statement, claim: Relation) -> Fraction | None:
    """Return a value of all variables at which both sides are equal; None where none is found."""
    if claim[0] not in (">=", "<="):
        return None
    for value in EQUAL_VALUES:
        point = dict.fromkeys(statement.variables, value)
        if all(_holds(relation, point) for relation in statement.assumptions):
            if _holds(("=", claim[1], claim[2]), point):
                return value
    return None


def _holds(relation: Relation, point: Mapping[str, Fraction]) -> bool:
    op, left, right = relation
    a, b = evaluate(left, point), evaluate(right, point)
    if a is None or b is None:
        return False
    return {
        ">=": a >= b,
        ">": a > b,
        "<=": a <= b,
        "<": a < b,
        "=": a == b,
        "!=": a != b,
    }[op]


# Notation


def _explain_cyclic(document: Document, statement: Statement) -> Document:
    """Return the document with the notation for cyclic sums explained where it is first used."""
    if not any(CYCLIC in formula for formula in find_formulas(document)):
        return document
    names = [write_name(name) for name in choose_names(statement.variables)]
    shifts = zip(names, [*names[1:], names[0]], strict=True)
    terms = " + ".join(f"{v}^2{w}" for v, w in shifts)
    note = Paragraph(
        f"(The sign ${CYCLIC}$ stands for the sum over the cyclic shifts of the variables, so that"
        f" for example ${CYCLIC} {names[0]}^2{names[1]} = {terms}$.)"
    )
    proofs = []
    done = False
    for title, blocks in document.proofs:
        if not done:
            blocks, done = _insert_after_cyclic(blocks, note)
        proofs.append((title, blocks))
    return Document(document.theorem, tuple(proofs))


def _insert_after_cyclic(
    blocks: Sequence[Block], note: Paragraph
) -> tuple[tuple[Block, ...], bool]:
    """Return blocks with a note after the first one that has a cyclic sum, and whether one has."""
    found: list[Block] = []
    for at, block in enumerate(blocks):
        if isinstance(block, Items):
            items, done = list(block.items), False
            for i, item in enumerate(items):
                items[i], done = _insert_after_cyclic(item, note)
                if done:
                    changed = Items(tuple(items), block.numbered)
                    return (*found, changed, *blocks[at + 1 :]), True
            found.append(block)
            continue
        text = block.text if isinstance(block, Paragraph) else " ".join(block.lines)
        found.append(block)
        if CYCLIC in text:
            return (*found, note, *blocks[at + 1 :]), True
    return tuple(found), False
