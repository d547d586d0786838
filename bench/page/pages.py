"""A page of what paths hold: each kind described by its module, all in one file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.page.document import MOST, Written, write_document
from bench.page.proofs import describe_archive, describe_file
from bench.page.rounds import describe_training
from bench.page.runs import describe_runs
from bench.page.sources import Source, SourceKind, recognise
from bench.page.trees import NODE_KINDS
from bench.page.verdicts import describe_diff
from bench.runs.reader import load_run


def write_page(paths: Sequence[Path], out: Path, *, most: int = MOST) -> Written:
    """Write a page of runs, trainings, proofs and diffs, as `sources` recognises them.

    Raises BenchError: one of them cannot be read, or the page cannot be written.
    """
    if out.suffix != ".html":
        raise BenchError(f"--out {out}: a name that ends in .html is expected")
    sources = recognise(paths)
    of_kind = {kind: [s for s in sources if s.kind is kind] for kind in SourceKind}
    data: dict[str, Any] = {"node_kinds": NODE_KINDS}
    titles: list[str] = []
    details: list[Any] = []
    if of_kind[SourceKind.RUN]:
        part = describe_runs([load_run(source.path) for source in of_kind[SourceKind.RUN]])
        data["runs"] = part.data
        details.append(part.details)
        titles += part.titles
    if of_kind[SourceKind.TRAINING]:
        found = [describe_training(source.path) for source in of_kind[SourceKind.TRAINING]]
        data["trainings"] = found
        titles += [f"training {each['name']}" for each in found]
    if of_kind[SourceKind.DIFF]:
        data["diffs"] = [describe_diff(source) for source in of_kind[SourceKind.DIFF]]
        titles += [f"{each['a']} against {each['b']}" for each in data["diffs"]]
    listed, opened = _describe_proofs(
        [*of_kind[SourceKind.PROOFS], *of_kind[SourceKind.CERTIFICATE]]
    )
    if listed:
        data["proofs"] = listed
        details.append(opened)
        titles.append(f"{len(listed)} proofs")
    return write_document(" · ".join(titles), data, chain.from_iterable(details), out, most=most)


def _describe_proofs(sources: Sequence[Source]) -> tuple[list[Any], list[Any]]:
    listed, opened = [], []
    for source in sources:
        if source.kind is SourceKind.PROOFS:
            lines, contents = describe_archive(source.path)
            listed += lines
            opened += contents
        else:
            line, content = describe_file(source.path, source.data)
            listed.append(line)
            opened.append(content)
    return listed, opened
