"""rStar-Bench: an evaluation and benchmarking suite for step-by-step mathematical search.

    from bench import check, compare, run, search

are its calls for programs and notebooks (`bench.python`); `bench.cli` has the verbs. Importing this
package costs nothing: no torch, no model, no data.
"""

from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.python import Answer, check, compare, run, search

__version__ = "0.1.0"
__all__ = ["check", "compare", "run", "search"]


def __getattr__(name: str) -> Any:
    # Not `search`, which is a package as well: see `CallableSearch`.
    if name in ("check", "compare", "run"):
        import bench.python

        return getattr(bench.python, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class CallableSearch(ModuleType):
    """The package `bench.search`, which can be called: `from bench import search` gives both."""

    def __call__(
        self, question: str, *, policy: str | None = None, method: str = "mcts", **options: Any
    ) -> "Answer":
        """Search one question; see `bench.python.Session.search`."""
        from bench.python import search

        return search(question, policy=policy, method=method, **options)
