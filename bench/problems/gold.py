"""The reference answer out of a hub column: one rule for each way that benchmarks print it.

This reads references that people wrote, at the one place where their benchmark puts them. It does
not read a model's output and does not compare: both belong to `bench.answers`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from string import ascii_uppercase
from typing import Any

from bench.problems.registry import Gold


def gold_answer(rule: Gold, value: Any) -> str:
    """Return the reference answer held by a hub column. Raises ValueError where the rule fails."""
    match rule:
        case Gold.AS_IS:
            return str(value).strip()
        case Gold.AFTER_HASHES:
            _, mark, answer = str(value).rpartition("####")
            if not mark:
                raise ValueError(f"has no '####' in {str(value)[-60:]!r}")
            return answer.strip()
        case Gold.LAST_BOXED:
            return last_boxed(str(value))
        case Gold.INTEGER:
            try:
                number = float(value)
            except (TypeError, ValueError):
                number = math.nan  # is no integer either, and gets the same message
            if not number.is_integer():
                raise ValueError(f"must hold an integer, found {value!r}")
            return str(int(number))
        case Gold.FIRST_OF_LIST:
            if (
                not isinstance(value, Iterable)
                or isinstance(value, str)
                or not (items := list(value))
            ):
                raise ValueError(f"must hold a list of answers, found {value!r}")
            return str(items[0]).strip()
        case Gold.OPTION:
            place = value[0] if isinstance(value, list) and len(value) == 1 else value
            if not isinstance(place, int) or not 0 <= place < len(ascii_uppercase):
                raise ValueError(f"must hold the place of one option, found {value!r}")
            return ascii_uppercase[place]


def last_boxed(solution: str) -> str:
    r"""Return what the last `\boxed{...}` (`\fbox{...}`, `\boxed x`) holds; empty without one."""
    start = max(solution.rfind(command) for command in ("\\boxed", "\\fbox"))
    if start < 0:
        return ""
    rest = solution[start:].removeprefix("\\boxed").removeprefix("\\fbox").lstrip()
    if not rest.startswith("{"):
        return rest[:1].strip("$")
    depth = 0
    for position, character in enumerate(rest):
        escaped = position > 0 and rest[position - 1] == "\\"
        if character in "{}" and not escaped:
            depth += 1 if character == "{" else -1
        if depth == 0:
            return rest[1:position]
    return ""  # The brace is never closed: the solution is cut, and a part of an answer is none.
