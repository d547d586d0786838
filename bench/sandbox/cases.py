"""Many programs from a JSONL file, as the trees that they are: run together, told in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from bench.errors import DataError
from bench.files.lines import decode, number_lines
from bench.sandbox.execution import Execution
from bench.sandbox.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class SandboxCase:
    """A row of the file."""

    id: str | int
    code: str
    parent: str | int | None
    """The row that this program continues."""


def parse(data: bytes, source: str) -> list[SandboxCase]:
    """Read lines `id`, `code` and perhaps `parent`; other fields are the writer's own.

    Raises DataError: no JSON object, a field that is missing or of another type, an id given
    twice, a parent that is no row, rows that are each other's ancestors.
    """
    cases: dict[str | int, SandboxCase] = {}
    lines: dict[str | int, int] = {}
    for number, line in number_lines(data):
        where = f"{source}, line {number}"
        case = _case(line, where)
        if case.id in cases:
            raise DataError(f"{where}: the id {case.id!r} is that of line {lines[case.id]}, too")
        cases[case.id], lines[case.id] = case, number
    rooted: set[str | int] = set()
    for case in cases.values():
        path, step = [case.id], case
        while step.parent is not None and step.id not in rooted:
            where = f"{source}, line {lines[step.id]}"
            if step.parent not in cases:
                raise DataError(f"{where}: the parent {step.parent!r} is the id of no row")
            if step.parent in path:
                raise DataError(f"{where}: the parent {step.parent!r} is also a descendant")
            step = cases[step.parent]
            path.append(step.id)
        rooted.update(path)
    return list(cases.values())


async def run(
    sandbox: Sandbox, cases: Sequence[SandboxCase]
) -> AsyncIterator[tuple[SandboxCase, Execution]]:
    """Run the cases, a parent before its children, and yield them in the order given."""
    continued = {case.parent for case in cases}
    tasks: dict[str | int, asyncio.Task[Execution]] = {}

    async def one(case: SandboxCase) -> Execution:
        parent = None if case.parent is None else await tasks[case.parent]
        return await sandbox.run(case.code, parent=parent, leaf=case.id not in continued)

    for case in cases:
        tasks[case.id] = asyncio.ensure_future(one(case))
    try:
        for case in cases:
            yield case, await tasks[case.id]
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def _case(line: bytes, where: str) -> SandboxCase:
    try:
        row = decode(line)
    except ValueError as e:
        raise DataError(f"{where} is no JSON: {e}") from e
    if not isinstance(row, dict):
        raise DataError(f"{where} is no JSON object with the fields id and code")
    number, code, parent = row.get("id"), row.get("code"), row.get("parent")
    if not isinstance(code, str) or not _is_id(number) or not (parent is None or _is_id(parent)):
        raise DataError(
            f"{where}: expected an id (text or a whole number), code (text) and perhaps a parent "
            f"(the id of another row); found the fields {', '.join(row) or 'none'}"
        )
    return SandboxCase(number, code, parent)


def _is_id(value: object) -> TypeGuard[str | int]:
    return isinstance(value, str | int) and not isinstance(value, bool)
