"""A chosen trajectory as a person reads it: its steps without tags, its answer in a box at the end.

Programs stand in fences of Markdown, as chat windows show them; graders look for the last box.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.prompts.parts import Part, PartKind, first_kind, split_parts
from bench.search import ROOT, Trace

NOTHING = "The search ended without an answer."
"""What is said in place of a solution. No digit is in it: graders would take one for an answer."""
_FENCE = "```"


def write_solution(trace: Trace, end: int) -> list[str]:
    """Return the text of a trajectory that ends with an answer, a piece for each of its steps.

    The pieces joined are the text.
    """
    kind = first_kind(trace.nodes[ROOT].text)
    line = trace.lineage(end)
    steps = [split_parts(node.text, kind) for node in line]
    pieces = _write_steps(steps)
    answer = line[-1].answer or ""
    if not _ends_in_box("".join(pieces), answer):
        pieces.append(f"\n\nThe answer is \\boxed{{{answer}}}.")
    return pieces


def _write_steps(steps: Sequence[Sequence[Part]]) -> list[str]:
    pieces, in_code, begun = [], False, False
    for parts in steps:
        piece = ""
        for part in parts:
            is_code = part.kind is PartKind.CODE
            if in_code and not is_code:
                piece += f"\n{_FENCE}"
            if is_code:
                piece += "\n" if in_code else f"{_apart(begun)}{_FENCE}python\n"
                piece += part.text
            else:
                piece += _apart(begun) + _write_text(part)
            in_code, begun = is_code, True
        if piece:
            pieces.append(piece)
    if in_code:
        pieces.append(f"\n{_FENCE}")
    return pieces


def _apart(begun: bool) -> str:
    """Return what stands between a part and what is before it."""
    return "\n\n" if begun else ""


def _write_text(part: Part) -> str:
    text = part.text.strip()
    if part.kind is not PartKind.OUTPUT:
        return text
    return f"Output:\n{_FENCE}text\n{text}\n{_FENCE}" if "\n" in text else f"Output: {text}"


def _ends_in_box(text: str, answer: str) -> bool:
    """Whether the last box of a text holds the answer."""
    _, box, last = text.rpartition("\\boxed{")
    return bool(box) and last.startswith(f"{answer}}}")


def cut_at_stops(pieces: Sequence[str], stops: Sequence[str]) -> list[str]:
    """Return the pieces of a text up to the first of some strings, as OpenAI's `stop` promises."""
    whole = "".join(pieces)
    most = min((at for stop in stops if (at := whole.find(stop)) >= 0), default=len(whole))
    kept = []
    for piece in pieces:
        if most > 0:
            kept.append(piece[:most])
        most -= len(piece)
    return kept
