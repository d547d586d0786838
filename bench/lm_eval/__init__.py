"""What joins this project to EleutherAI's lm-evaluation-harness; the task YAML names it.

`from bench.lm_eval import RStarLM` gives the search as a model; lm-eval then knows it as `rstar`,
too. Importing the package alone loads neither lm-eval nor any data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.lm_eval.search_model import RStarLM

__all__ = ["RStarLM"]


def __getattr__(name: str) -> Any:
    if name != "RStarLM":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bench.errors import MissingExtraError

    try:
        from bench.lm_eval.search_model import RStarLM
    except ImportError as error:
        raise MissingExtraError("lm-eval", error.name or "lm_eval", "cpu") from error
    return RStarLM
