"""Several benchmarks at once are told from one benchmark with several parts."""

from __future__ import annotations

import pytest

from bench.errors import BenchError, UnknownNameError
from bench.problems import load, names, read_benchmarks
from bench.problems.groups import GROUPS


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("math500", ["math500"]),
        ("math500,gsm8k", ["math500", "gsm8k"]),
        (" math500 , gsm8k ,math500", ["math500", "gsm8k"]),
        ("math:algebra,geometry", ["math:algebra,geometry"]),
        ("math:algebra,geometry:level-5,gsm8k", ["math:algebra,geometry:level-5", "gsm8k"]),
        ("math:Number Theory, Algebra,gsm8k", ["math:Number Theory,Algebra", "gsm8k"]),
        ("gsm8k,gsm9k", ["gsm8k", "gsm9k"]),
        ("paper", list(GROUPS["paper"])),
        ("gsm8k,paper", ["gsm8k", *(name for name in GROUPS["paper"] if name != "gsm8k")]),
        ("", [""]),
    ],
)
def test_a_list_is_read_as_benchmarks_each_once(text: str, read: list[str]) -> None:
    assert read_benchmarks(text) == read


def test_a_group_holds_known_benchmarks_and_shares_no_name_with_one() -> None:
    assert set().union(*GROUPS.values()) <= set(names())
    assert not set(GROUPS) & set(names())


@pytest.mark.parametrize("name", ["paper", "gsm8k,math500", "math:algebra,gsm8k"])
def test_where_one_benchmark_is_needed_several_are_refused_by_name(name: str) -> None:
    with pytest.raises(BenchError, match=r"is \d benchmarks, and one is needed here.*gsm8k"):
        load(name)


def test_in_a_list_with_an_unknown_name_that_name_is_what_is_wrong() -> None:
    with pytest.raises(UnknownNameError, match="unknown benchmark 'gsm8k,gsm9k'; did you mean"):
        load("gsm8k,gsm9k")
