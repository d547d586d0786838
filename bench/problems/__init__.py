"""Problems by name: real benchmarks from a mirror or the hub, and the embedded, generated pool.

`load` is all that a caller needs. Where the rows come from is decided per benchmark: the directory
in `RSTAR_BENCH_DATA` or beside the clone, else the hub. Importing this loads no data and no heavy
package.
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.errors import BenchError, UnknownNameError
from bench.plugins import Registry
from bench.problems import hub, mirror
from bench.problems.errata import apply_errata
from bench.problems.evaluation_sets import EVALUATION_SETS
from bench.problems.groups import GROUPS, read_benchmarks
from bench.problems.parts import only
from bench.problems.registry import Benchmark, Role
from bench.problems.training_pools import TRAINING_POOLS
from bench.types import Problem

__all__ = [
    "BENCHMARKS",
    "GROUPS",
    "Benchmark",
    "Role",
    "corrected_ids",
    "load",
    "names",
    "read",
    "read_benchmarks",
]

BENCHMARKS: Registry[Benchmark] = Registry(
    "benchmarks",
    Benchmark,
    {entry.name: entry for entry in (*EVALUATION_SETS, *TRAINING_POOLS)},
)
"""Every benchmark and training pool by name. The embedded, generated pool is not in it."""


def names() -> list[str]:
    """Return every name that `load` knows, without the parts of a benchmark."""
    from bench.problems.generated import embedded_names

    return [*BENCHMARKS, *embedded_names()]


def load(name: str, *, limit: int | None = None, errata: bool = True) -> list[Problem]:
    """Return the problems of a benchmark in their published order, or the first `limit` of them.

    Args:
        name: a benchmark, or a part of one: `math:level-5`, `math:algebra`, `math:algebra:level-5`,
            and with commas the union of several, `math:algebra,geometry:level-5`.
        limit: at most so many problems.
        errata: whether references that are known to be wrong are corrected; such a problem has
            `meta["erratum"]`.

    Raises:
        UnknownNameError: no benchmark, or no part of it, has this name.
        MissingDataError: neither a mirror nor the hub has the rows.
        DataError: the rows are not what the registry says.
    """
    if limit is not None and limit < 1:
        raise BenchError(f"limit is {limit}; it must be at least 1, or left out for all problems")
    _refuse_several(name)
    whole, *parts = name.split(":")
    if whole not in names():
        raise UnknownNameError("benchmark", name, names())
    if whole not in BENCHMARKS:
        from bench.problems.generated import load_embedded

        if not parts:
            return load_embedded(whole, limit)
        problems = load_embedded(whole)
    else:
        problems = read(BENCHMARKS[whole])
        if errata:
            problems = apply_errata(whole, problems)
    return only(name, problems, parts)[:limit]


def _refuse_several(name: str) -> None:
    """Refuse what names several benchmarks, each of them known, where one is needed."""
    several = read_benchmarks(name)
    if len(several) > 1 and all(each.partition(":")[0] in names() for each in several):
        raise BenchError(
            f"{name!r} is {len(several)} benchmarks, and one is needed here; `rstar-bench run` "
            f"takes several, else choose one of {', '.join(several)}"
        )


def read(benchmark: Benchmark) -> list[Problem]:
    """Return all problems of a benchmark as published, from its mirror or else the hub."""
    path = mirror.locate(benchmark)
    return hub.read(benchmark) if path is None else mirror.read(benchmark, path)


def corrected_ids(problems: Iterable[Problem]) -> list[str]:
    """Return the ids of the problems whose reference an erratum has corrected."""
    return [problem.id for problem in problems if "erratum" in problem.meta]
