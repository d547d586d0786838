"""Archives of proofs: the certificates that runs found, one compressed file a benchmark.

A line has the problem's id and its certificate, which names the statement itself. An archive needs
neither the benchmark nor the prover to be checked again.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.files.atomic import replace
from bench.files.lines import decode, encode, number_lines
from bench.runs.reader import load_run
from bench.types import Outcome

SUFFIX = ".jsonl.gz"


def collect_proofs(runs: Iterable[Path], folder: Path) -> dict[str, int]:
    """Add the graded certificates of runs to the archives in a folder; return how many each has.

    Of two proofs of one problem the shorter one is kept. Raises RunDirError, DataError.
    """
    found: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for path in runs:
        for record in load_run(path).records:
            for sample in record.samples:
                if sample.outcome is Outcome.CORRECT and sample.answer is not None:
                    certificate = json.loads(sample.answer)
                    if "proofs" in certificate:
                        _keep_shorter(found[record.benchmark], record.problem_id, certificate)
    counts = {}
    for benchmark, proofs in found.items():
        archive = folder / f"{benchmark}{SUFFIX}"
        if archive.exists():
            for problem_id, certificate in read_proofs(archive):
                _keep_shorter(proofs, problem_id, certificate)
        folder.mkdir(parents=True, exist_ok=True)
        rows = (encode({"id": name, "certificate": proofs[name]}) for name in sorted(proofs))
        # No time in the file: the same proofs are the same bytes.
        replace(archive, gzip.compress(b"".join(rows), mtime=0))
        counts[benchmark] = len(proofs)
    return counts


def _keep_shorter(
    proofs: dict[str, Mapping[str, Any]], name: str, certificate: Mapping[str, Any]
) -> None:
    if name not in proofs or len(json.dumps(certificate)) < len(json.dumps(proofs[name])):
        proofs[name] = certificate


def read_proofs(archive: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the ids and certificates of an archive.

    Raises DataError: there is no such file, it is not compressed, or a line is none of an archive.
    """
    try:
        packed = archive.read_bytes()
        data = gzip.decompress(packed)
    except FileNotFoundError:
        raise DataError(
            f"there is no file {archive}; expected an archive that rstar-bench collect-proofs wrote"
        ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{archive} is not a whole gzip file: {error}") from None
    except OSError as error:
        raise DataError(f"cannot read {archive}: {error.strerror}; name an archive") from error
    if not packed:
        raise DataError(f"{archive} is not a whole gzip file: it is empty")
    for number, line in number_lines(data):
        try:
            row = decode(line)
            yield row["id"], row["certificate"]
        except (ValueError, TypeError, KeyError):
            raise DataError(
                f"{archive}, line {number}: expected an object with id and certificate, got "
                f"{line[:60]!r}"
            ) from None
