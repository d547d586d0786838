"""What the released code left behind, read: its search results, its training sets.

Everything becomes our rows, so that one can train on it; reward models are
`rstar_train.official.value_head`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.files.lines import decode, number_lines
from rstar_train.rows import official
from rstar_train.rows.official_trees import OfficialTree, read_tree
from rstar_train.rows.row import PairRow, SFTRow, write_rows


def read_results(path: Path) -> Iterator[OfficialTree]:
    """Yield the trees of a result file, a line each. Raises DataError, naming the line."""
    for data, where in read_objects(path):
        yield read_tree(data, where)


def read_objects(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the object of each line, and where it stands. Raises DataError, naming the line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if not content.strip():
        raise DataError(f"{path} is empty; expected lines of JSON")
    for number, line in number_lines(content):
        where = f"{path}, line {number}"
        try:
            data = decode(line)
        except ValueError as error:
            raise DataError(f"{where}: not valid JSON ({error})") from error
        if not isinstance(data, dict):
            raise DataError(f"{where}: expected an object, found {type(data).__name__}")
        yield data, where


def import_results(paths: Sequence[Path], out: Path) -> dict[str, Any]:
    """Write the rows of result files to `out`/sft.jsonl and pairs.jsonl; return counts.

    Extraction and filter are the released code's. Trees of one question are taken together.
    Raises DataError.
    """
    by_question: dict[str, list[OfficialTree]] = {}
    for path in paths:
        for tree in read_results(path):
            by_question.setdefault(tree.problem.question, []).append(tree)
    solutions: list[SFTRow] = []
    pairs: list[PairRow] = []
    dropped = 0
    for trees in by_question.values():
        solutions += official.rows_of_solutions(trees)
        found = [row for tree in trees for row in official.rows_of_pairs(tree)]
        kept = [row for row in found if official.passes(row.chosen, row.rejected, row.margin)]
        dropped += len(found) - len(kept)
        pairs += kept
    write_rows(solutions, out / "sft.jsonl")
    write_rows(pairs, out / "pairs.jsonl")
    return {
        "questions": len(by_question),
        "trees": sum(map(len, by_question.values())),
        "sft_rows": len(solutions),
        "pairs": len(pairs),
        "pairs_dropped_by_the_filter": dropped,
    }
