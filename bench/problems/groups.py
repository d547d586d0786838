"""Groups of benchmarks, and several by comma: what `run --benchmark` takes beside one name."""

from __future__ import annotations

from collections.abc import Mapping

from bench.problems.evaluation_sets import EVALUATION_SETS
from bench.problems.registry import Role

GROUPS: Mapping[str, tuple[str, ...]] = {
    "paper": (
        "math500",
        "aime2024",
        "amc2023",
        "olympiadbench",
        "college_math",
        "gsm8k",
        "gaokao2023en",
    ),
    "all": tuple(each.name for each in EVALUATION_SETS if each.role is Role.EVAL),
}
"""`paper` is table 5 of rStar-Math; `all` is every evaluation set with answers. The groups of
lm-eval under `tasks/groups` are the same."""


def read_benchmarks(text: str) -> list[str]:
    """Return the names in a list with commas, each once, and in place of a group its members.

    The comma within a part is none between benchmarks: `math:algebra,geometry,gsm8k` is two.
    Whether a name is known is for `load` to say.

    >>> read_benchmarks("gsm8k,math:algebra,geometry:level-5,amc2023")
    ['gsm8k', 'math:algebra,geometry:level-5', 'amc2023']
    """
    from bench.problems import names

    known = {*names(), *GROUPS}
    found: list[str] = []
    for piece in text.split(","):
        word = piece.strip()
        if found and ":" in found[-1] and word.partition(":")[0] not in known:
            found[-1] += f",{word}"
        else:
            found.append(word)
    return list(dict.fromkeys(name for each in found for name in GROUPS.get(each, (each,))))
