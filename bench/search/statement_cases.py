"""Statements out of a file: decided side by side, a line of JSON a verdict, written as each ends.

    in    id, statement; perhaps assume, a relation or a list of them
    out   id, verdict (proved, refuted, open or unsupported), seconds (processor time), and
          certificate, the path of a proof; or counterexample, a rational for each variable, with
          claim, the number of what fails there; or reason

A row that cannot be read gets a verdict like any other: unsupported, and why. An id that has a line
in the output is not decided again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import DataError, EngineError
from bench.files.atomic import replace_json
from bench.files.lines import cut_half_line, decode, number_lines, scan
from bench.search.inequalities import Decide, Deciding, Finding, Provers

Id = str | int


@dataclass(frozen=True, slots=True)
class Case:
    """One statement to decide."""

    id: Id
    statement: str
    assume: tuple[str, ...] = ()
    fault: str = ""
    """Why the row is none."""


def read_cases(file: Path) -> list[Case]:
    """Return the rows of a file, those that are no cases with their faults.

    Raises DataError: the file cannot be read, or two rows have one id.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the cases {file}: {error.strerror}") from error
    cases: dict[Id, Case] = {}
    lines: dict[Id, int] = {}
    for line, raw in number_lines(data):
        case = _read_case(raw, line)
        if case.id in cases:
            raise DataError(
                f"{file}, line {line}: the id {case.id!r} was used on line {lines[case.id]} "
                "already; the verdicts go by id, so give each row its own"
            )
        cases[case.id], lines[case.id] = case, line
    return list(cases.values())


def _read_case(raw: bytes, line: int) -> Case:
    id_: Id = f"line {line}"
    try:
        row: Any = decode(raw)
        if not isinstance(row, dict):
            raise ValueError(f"expected an object, found {type(row).__name__}")
        if type(row.get("id")) in (str, int):
            id_ = row["id"]
        elif "id" in row:
            raise ValueError("'id' is neither a text nor a whole number")
        if not isinstance(row.get("statement"), str):
            raise ValueError("no 'statement', or one that is no text")
        assume = row.get("assume") or []
        assume = [assume] if isinstance(assume, str) else assume
        if not isinstance(assume, list) or not all(isinstance(each, str) for each in assume):
            raise ValueError("'assume' is neither a text nor a list of texts")
    except ValueError as error:
        return Case(id_, "", fault=f"line {line}: {error}")
    return Case(id_, row["statement"], tuple(assume))


def find_decided(out: Path) -> set[Id]:
    """Return the ids that a file of verdicts has, after half a line at its end was cut off.

    Raises DataError: it holds something else.
    """
    cut_half_line(out)
    found = scan(out, _read_id)
    for each in found.lines:
        if each.value is None:
            raise DataError(
                f"{out}, line {each.number} is no verdict on a statement; choose another --out"
            )
    return {each.value for each in found.lines if each.value is not None}


def _read_id(row: Any) -> Id:
    if not isinstance(row, dict) or "verdict" not in row or type(row.get("id")) not in (str, int):
        raise ValueError("no id or no verdict")
    id_: Id = row["id"]
    return id_


async def decide_cases(
    cases: Sequence[Case],
    provers: Provers,
    *,
    decide: Decide,
    config: Deciding,
    certificates: Path,
) -> AsyncIterator[dict[str, Any]]:
    """Yield a row of the output for each case as it ends; certificates are stored before that."""
    slots = asyncio.Semaphore(provers.count)

    async def one(case: Case) -> dict[str, Any]:
        async with slots:
            found = await decide_case(case, provers, decide, config)
        return _make_row(case, found, certificates)

    tasks = [asyncio.ensure_future(one(case)) for case in cases]
    try:
        for each in asyncio.as_completed(tasks):
            yield await each
    finally:
        for task in tasks:
            task.cancel()


async def decide_case(case: Case, provers: Provers, decide: Decide, config: Deciding) -> Finding:
    """Return what is found out about a case; where the prover fails it is open, and why is said."""
    if case.fault:
        return Finding("unsupported", 0.0, reason=case.fault)
    try:
        return await provers.find(decide, case.statement, config, case.assume)
    except EngineError as error:
        return Finding("open", None, reason=str(error))


def _make_row(case: Case, found: Finding, certificates: Path) -> dict[str, Any]:
    spent = None if found.cpu_seconds is None else round(found.cpu_seconds, 3)
    row: dict[str, Any] = {"id": case.id, "verdict": found.verdict, "seconds": spent}
    if found.certificate is not None:
        file = certificates / f"{_name(case.id)}.json"
        replace_json(file, found.certificate)
        row["certificate"] = str(file)
    if found.refutation is not None:
        row["counterexample"] = found.refutation["refuted"]
        row["claim"] = found.refutation["claim"]
    if found.reason:
        row["reason"] = found.reason
    return row


def _name(id_: Id) -> str:
    """Return a file name that no other id has; an id may hold anything."""
    name = str(id_)
    if isinstance(id_, str) and re.fullmatch(r"\w[\w.-]{0,99}", name, re.ASCII):
        return name
    digest = hashlib.sha256(json.dumps(id_).encode()).hexdigest()[:12]
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', name)[:60]}-{digest}"
