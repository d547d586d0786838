"""Problems by name: real benchmarks from a mirror or the hub, and the embedded, generated pool.

`load` is all that a caller needs. Where the rows come from is decided per benchmark: the directory
in `RSTAR_BENCH_DATA` or beside the clone, else the hub. Importing this loads no data and no heavy
package.
"""

from __future__ import annotations

from bench.errors import BenchError, UnknownNameError
from bench.problems import hub, mirror
from bench.problems.registry import BENCHMARKS, Benchmark, Role
from bench.types import Problem

__all__ = ["BENCHMARKS", "Benchmark", "Role", "load", "names"]


def names() -> list[str]:
    """Return every name that `load` knows."""
    from bench.problems.generated import embedded_names

    return [*BENCHMARKS, *embedded_names()]


def load(name: str, *, limit: int | None = None) -> list[Problem]:
    """Return the problems of a benchmark in their published order, or the first `limit` of them.

    Raises:
        UnknownNameError: no benchmark has this name.
        MissingDataError: neither a mirror nor the hub has the rows.
        DataError: the rows are not what the registry says.
    """
    if limit is not None and limit < 1:
        raise BenchError(f"limit is {limit}; it must be at least 1, or left out for all problems")
    if name not in names():
        raise UnknownNameError("benchmark", name, names())
    if name not in BENCHMARKS:
        from bench.problems.generated import load_embedded

        return load_embedded(name, limit)
    benchmark = BENCHMARKS[name]
    path = mirror.locate(benchmark)
    problems = hub.read(benchmark) if path is None else mirror.read(benchmark, path)
    return problems[:limit]
