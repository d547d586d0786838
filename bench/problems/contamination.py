r"""Which training problems a benchmark holds too: equal texts, and texts that share their 13-grams.

Two tests, per pair of a training row and a benchmark's problem. `exact`: equal but for white
space, letter case, dollar signs, braces, LaTeX spacing and end punctuation. `overlap`: the share
of the problem's different 13-grams (of words: runs of Latin letters and digits, single characters
of other scripts) that the training row has, too; from `THRESHOLD` on it counts. One common 13-gram
does not, because contests share whole sentences ("... relatively prime positive integers. Find
m+n"), and a problem shorter than 13 words can be found by the exact test only. Paraphrases and
translations are found by neither.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, DataError, UnknownNameError
from bench.files.lines import decode, number_lines
from bench.types import Problem

N = 13
THRESHOLD = 0.5
"""From this share of a problem's 13-grams on, a training row counts as holding the problem."""

_TEXT_COLUMNS = ("problem", "question", "query", "prompt")
_LAYOUT = re.compile(r"\\(?:left|right|[dt](?=frac)|[,;:! ])|[\s${}\\]")
_WORD = re.compile(r"[a-z0-9]+|[^\s\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Overlap:
    """One training row and one problem of a benchmark that are, or nearly are, the same."""

    train_id: str
    benchmark: str
    problem_id: str
    exact: bool
    share: float
    """Share of the problem's 13-grams that the training row has; 0 where the problem has none."""


class Index:
    """The texts of one or more benchmarks, ready to be looked up."""

    def __init__(self, benchmarks: Mapping[str, Sequence[Problem]]) -> None:
        """Index every problem by its exact text and by its 13-grams."""
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._grams: dict[int, list[int]] = defaultdict(list)
        self._sizes: list[int] = []
        self._names: list[tuple[str, str]] = []
        for name, problems in benchmarks.items():
            for problem in problems:
                place = len(self._names)
                self._names.append((name, problem.id))
                self._exact[_exact_form(problem.question)].append(place)
                grams = _grams(problem.question)
                self._sizes.append(len(grams))
                for gram in grams:
                    self._grams[gram].append(place)

    def overlaps(self, train: Problem) -> list[Overlap]:
        """Return the benchmark problems that a training row holds, in the benchmarks' order."""
        shared = Counter(
            place for gram in _grams(train.question) for place in self._grams.get(gram, ())
        )
        shares = {place: count / self._sizes[place] for place, count in shared.items()}
        exact = set(self._exact.get(_exact_form(train.question), ()))
        found = exact | {place for place, share in shares.items() if share >= THRESHOLD}
        return [
            Overlap(train.id, *self._names[place], place in exact, shares.get(place, 0.0))
            for place in sorted(found)
        ]


def find_overlaps(
    train: Iterable[Problem], benchmarks: Mapping[str, Sequence[Problem]]
) -> list[Overlap]:
    """Return every pair of a training row and a benchmark's problem that overlap."""
    index = Index(benchmarks)
    return [overlap for row in train for overlap in index.overlaps(row)]


def read_training_file(path: Path) -> list[Problem]:
    """Return the rows of a JSON Lines file: `id` (or the line's number) and a text column.

    The text is the first that is there of `problem`, `question`, `query` and `prompt`. Raises
    DataError for a line without one, naming it.
    """
    rows: list[Problem] = []
    for number, line in number_lines(path.read_bytes()):
        where = f"{path}, line {number}"
        row = _parsed(line, where)
        column = next((c for c in _TEXT_COLUMNS if isinstance(row.get(c), str)), None)
        if column is None:
            raise DataError(
                f"{where}: no text in any of the columns {', '.join(_TEXT_COLUMNS)}; it has "
                f"{', '.join(sorted(row)) or 'none'}"
            )
        rows.append(Problem(str(row.get("id", number)), row[column], "", path.stem))
    if not rows:
        raise DataError(f"{path} is empty; expected lines of JSON")
    if len({row.id for row in rows}) != len(rows):
        raise DataError(f"{path}: ids repeat; give every row an id of its own, or none to any")
    return rows


def encode(overlaps: Iterable[Overlap]) -> bytes:
    """Return the overlaps as JSON Lines, the content of a file that `without` reads."""
    return b"".join(json.dumps(asdict(each)).encode() + b"\n" for each in overlaps)


def read_dropped_ids(path: Path) -> frozenset[str]:
    """Return the ids of the training rows that a file of overlaps says to drop.

    An empty file is a clean pool. Raises DataError for a file that is absent or no list of
    overlaps, naming the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"cannot read the rows to drop from {path} ({error.strerror}); write it with: "
            "rstar-bench contamination --train FILE_OR_POOL --against all --out FILE"
        ) from error
    dropped = set()
    for number, line in number_lines(content):
        row = _parsed(line, f"{path}, line {number}")
        if not isinstance(row.get("train_id"), str):
            raise DataError(f"{path}, line {number}: no 'train_id'; make it with contamination")
        dropped.add(row["train_id"])
    return frozenset(dropped)


def drop_overlaps(problems: Iterable[Problem], path: Path) -> list[Problem]:
    """Return the training problems that a file of overlaps does not name.

    Raises DataError for a file that is no list of overlaps, UnknownNameError for one that names a
    row that is not there: it was made for another pool, and would silently drop nothing.
    """
    rows = list(problems)
    dropped = read_dropped_ids(path)
    known = {row.id for row in rows}
    if not dropped <= known:
        raise UnknownNameError(f"training row in {path}", min(dropped - known), list(known)[:5])
    return [row for row in rows if row.id not in dropped]


def _parsed(line: bytes, where: str) -> Mapping[str, Any]:
    try:
        row = decode(line)
    except ValueError as error:
        raise DataError(f"{where}: not valid JSON ({error})") from error
    if not isinstance(row, dict):
        raise DataError(f"{where}: expected a JSON object, found {type(row).__name__}")
    return row


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _exact_form(text: str) -> str:
    return _LAYOUT.sub("", _folded(text)).rstrip(".?!")


def _grams(text: str) -> set[int]:
    """Return the text's different 13-grams, hashed: equal ones compare equal in this process."""
    words = [word for word in _WORD.findall(_folded(text)) if word.isalnum()]
    return {hash(tuple(words[at : at + N])) for at in range(len(words) - N + 1)}


def choose(names: Sequence[str], known: Mapping[str, object]) -> list[str]:
    """Return the benchmarks to look in: those named, or every one for `all`. Raises BenchError."""
    if list(names) == ["all"]:
        return list(known)
    for name in names:
        if name not in known:
            raise UnknownNameError("benchmark", name, [*known, "all"])
    if not names:
        raise BenchError("no benchmark was named; give some, or: --against all")
    return list(dict.fromkeys(names))
