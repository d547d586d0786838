"""The published layouts: `rstar_sft` (query, response) and `rstar_ppm` (prompt, pos, neg, counts).

The released data sets and the released code's scripts use these; reading them turns them into our
rows, so one can train on the released data, and writing them lets others train on ours. A file is
a JSON list or JSON Lines. A query is the question alone; a prompt is the question in the template
with the solution so far. The problem of a published row is unknown: it is named by its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.files.atomic import replace
from bench.files.lines import decode, number_lines
from bench.prompts import OFFICIAL, START
from rstar_train.rows.row import PairRow, SFTRow

_BEFORE, _AFTER = OFFICIAL.before_question, OFFICIAL.after_question
_SFT = {"query": str, "response": str}
_PPM = {"prompt": str, "pos": str, "neg": str, "pos_count": int, "neg_count": int}


def read_sft(path: Path) -> list[SFTRow]:
    """Read `rstar_sft` rows; their mean Q is not published, and stands as 1. Raises DataError."""
    rows = []
    for place, row in _rows(path, _SFT):
        question = row["query"].removeprefix(_BEFORE).removesuffix(_AFTER)
        response = row["response"].removeprefix(_AFTER.strip()).strip()
        # Our prompts hold the opening tag, as in search.
        opened = START if response.startswith(START) else ""
        prompt = OFFICIAL.render(question, opened)
        rows.append(SFTRow(place, prompt, response.removeprefix(opened), 1.0))
    return rows


def write_sft(rows: Sequence[SFTRow], path: Path) -> None:
    """Write rows in the layout of `rstar_sft`. Raises DataError for a prompt of another format."""
    data = []
    for row in rows:
        question, partial = _split(row.prompt, row.problem_id)
        data.append({"query": question, "response": partial + row.completion})
    replace(path, (json.dumps(data, indent=1) + "\n").encode())


def read_ppm(path: Path) -> list[PairRow]:
    """Read `rstar_ppm` rows, each weighted by 1 / (pos_count neg_count). Raises DataError."""
    rows = []
    for place, row in _rows(path, _PPM):
        positives, negatives = row["pos_count"], row["neg_count"]
        if positives < 1 or negatives < 1:
            raise DataError(f"{place}: pos_count and neg_count must be at least 1")
        kind = "solution" if _is_whole(row["pos"]) and _AFTER not in row["prompt"] else "step"
        weight = 1 / (positives * negatives)
        rows.append(
            PairRow(
                place, row["prompt"], row["pos"], row["neg"], kind, weight, positives, negatives
            )
        )
    return rows


def write_ppm(rows: Sequence[PairRow], path: Path) -> None:
    """Write rows in the layout of `rstar_ppm`."""
    data = [
        {
            "prompt": row.prompt,
            "neg": row.rejected,
            "pos": row.chosen,
            "neg_count": row.neg_count,
            "pos_count": row.pos_count,
        }
        for row in rows
    ]
    replace(path, (json.dumps(data, indent=1) + "\n").encode())


def _is_whole(text: str) -> bool:
    return _AFTER.strip() in text


def _split(prompt: str, name: str) -> tuple[str, str]:
    """Return the question and the partial solution of a rendered prompt."""
    if not prompt.startswith(_BEFORE) or _AFTER not in prompt:
        raise DataError(f"the prompt of {name!r} is not in the template {OFFICIAL.name!r}")
    question, _, partial = prompt.removeprefix(_BEFORE).partition(_AFTER)
    return question, partial


def _rows(path: Path, columns: Mapping[str, type]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the rows of a JSON list or of JSON Lines with where each is from. Raises DataError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    for place, row in _listed(data, path) if data.lstrip().startswith(b"[") else _lined(data, path):
        if not isinstance(row, dict):
            raise DataError(f"{place}: expected an object; found {str(row)[:120]}")
        wrong = [name for name, kind in columns.items() if not isinstance(row.get(name), kind)]
        if wrong:
            expected = ", ".join(f"{name!r} ({columns[name].__name__})" for name in wrong)
            raise DataError(f"{place}: expected {expected}; found {str(row)[:120]}")
        yield place, row


def _listed(data: bytes, path: Path) -> Iterator[tuple[str, Any]]:
    for number, row in enumerate(_parsed(data, str(path)), start=1):
        yield f"{path.name}, row {number}", row


def _lined(data: bytes, path: Path) -> Iterator[tuple[str, Any]]:
    for number, line in number_lines(data):
        yield f"{path.name}, line {number}", _parsed(line, f"{path}, line {number}")


def _parsed(text: bytes, where: str) -> Any:
    try:
        return decode(text)
    except ValueError as error:
        raise DataError(f"{where}: not valid JSON ({error})") from error
