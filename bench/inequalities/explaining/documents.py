r"""What an explanation is made of, and how it is written down as Markdown or as LaTeX.

Text is plain English with formulas between dollars, on one line: GitHub renders no formula with a
line break in it. Formulas avoid what Markdown would change before a renderer sees them, such as a
backslash before a punctuation mark. So lines of a display end with `\cr` in Markdown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences on one line."""

    text: str
    apart: bool = False
    """Whether it does not go on from the sentences before it."""


@dataclass(frozen=True, slots=True)
class Display:
    """A formula on lines of its own; the first line has what the others line up with."""

    lines: tuple[str, ...]
    """LaTeX; `&` stands where lines line up, unless there is one only."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list; each item is a small text."""

    items: tuple[tuple[Block, ...], ...]
    numbered: bool = True


Block: TypeAlias = "Paragraph | Display | Items"


@dataclass(frozen=True, slots=True)
class Document:
    """A theorem and a proof of each of its claims."""

    theorem: tuple[Block, ...]
    proofs: tuple[tuple[str, tuple[Block, ...]], ...]
    """What each is a proof of, empty where there is one only, and the proof."""


def walk(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield blocks and what is in them."""
    for block in blocks:
        yield block
        if isinstance(block, Items):
            for item in block.items:
                yield from walk(item)


def join_sentences(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Return blocks with sentences that go on from one another in one paragraph."""
    joined: list[Block] = []
    for block in blocks:
        if isinstance(block, Items):
            joined.append(Items(tuple(map(join_sentences, block.items)), block.numbered))
            continue
        last = joined[-1] if joined else None
        goes_on = isinstance(block, Paragraph) and not block.apart
        if goes_on and isinstance(last, Paragraph) and isinstance(block, Paragraph):
            joined[-1] = Paragraph(f"{last.text} {block.text}", last.apart)
        else:
            joined.append(block)
    return tuple(joined)


def list_formulas(latex: Sequence[str]) -> str:
    """Return formulas in a sentence, each between dollars: `$a$, $b$ and $c$`."""
    shown = [f"${each}$" for each in latex]
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)


def find_formulas(document: Document) -> Iterator[str]:
    """Yield every formula of a document, a display's lines apart."""
    for part in (document.theorem, *(blocks for _, blocks in document.proofs)):
        for block in walk(part):
            if isinstance(block, Paragraph):
                yield from block.text.split("$")[1::2]
            elif isinstance(block, Display):
                yield from block.lines


# Markdown


def write_markdown(document: Document) -> str:
    """Return the document as Markdown with LaTeX formulas, as GitHub renders it."""
    parts = _write_blocks(_lead("**Theorem.**", document.theorem))
    for title, blocks in document.proofs:
        parts += _write_blocks(_lead(f"**Proof{title}.**", _end(blocks, "∎")))
    return "\n\n".join(parts) + "\n"


def _lead(words: str, blocks: Sequence[Block]) -> list[Block]:
    """Return blocks with words before the first."""
    first, *rest = blocks
    if isinstance(first, Paragraph):
        return [Paragraph(f"{words} {first.text}"), *rest]
    return [Paragraph(words), *blocks]


def _end(blocks: Sequence[Block], mark: str) -> list[Block]:
    *rest, last = blocks
    if isinstance(last, Paragraph):
        return [*rest, Paragraph(f"{last.text} {mark}")]
    return [*blocks, Paragraph(mark)]


def _write_blocks(blocks: Sequence[Block]) -> list[str]:
    return [text for block in blocks for text in _write_block(block)]


def _write_block(block: Block) -> Iterator[str]:
    if isinstance(block, Paragraph):
        yield block.text
    elif isinstance(block, Display):
        inner = _align(block.lines, r" \cr")
        yield f"$$\n{inner}\n$$"
    else:
        for number, item in enumerate(block.items, 1):
            mark = f"{number}. " if block.numbered else "- "
            inner = "\n\n".join(_write_blocks(item))
            yield mark + inner.replace("\n", "\n" + " " * len(mark)).replace(
                "\n" + " " * len(mark) + "\n", "\n\n"
            )


def _align(lines: Sequence[str], end: str) -> str:
    if len(lines) == 1:
        return lines[0].replace("&", "")
    inner = f"{end}\n".join(lines)
    return f"\\begin{{aligned}}\n{inner}\n\\end{{aligned}}"


# LaTeX

_PREAMBLE = r"""\documentclass{article}
\usepackage{amsmath,amssymb,amsthm}
\newtheorem*{theorem}{Theorem}
\allowdisplaybreaks
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt plus 2pt}
\begin{document}
"""

_DEEPEST = 4
"""Lists in lists that LaTeX allows."""


def write_latex(document: Document) -> str:
    """Return the document as a LaTeX article that needs the packages of the AMS only."""
    parts = [r"\begin{theorem}", *_typeset(document.theorem, 0), r"\end{theorem}"]
    for title, blocks in document.proofs:
        option = f"[Proof{title}]" if title else ""
        parts += [rf"\begin{{proof}}{option}", *_typeset(blocks, 0), r"\end{proof}"]
    return _PREAMBLE + "\n\n".join(parts) + "\n\\end{document}\n"


def _typeset(blocks: Sequence[Block], depth: int) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Display) and len(block.lines) == 1:
            yield f"\\[\n{block.lines[0].replace('&', '')}\n\\]"
        elif isinstance(block, Display):
            inner = " \\\\\n".join(block.lines)
            yield f"\\begin{{align*}}\n{inner}\n\\end{{align*}}"
        elif depth < _DEEPEST:
            inner = "\n\n".join(
                "\\item " + "\n\n".join(_typeset(item, depth + 1)) for item in block.items
            )
            kind = "enumerate" if block.numbered else "itemize"
            yield f"\\begin{{{kind}}}\n{inner}\n\\end{{{kind}}}"
        else:
            for item in block.items:
                yield "$\\bullet$ " + "\n\n".join(_typeset(item, depth + 1))
