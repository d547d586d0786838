"""The registry: one entry a search, one default a knob."""

from __future__ import annotations

import dataclasses

import pytest

from bench.errors import BenchError, UnknownNameError
from bench.knobs import Use
from bench.search import MCTS, Beam, Sampling
from bench.search.inequalities import Closers
from bench.search.lips import ABLATIONS
from bench.search.registry import (
    SEARCHES,
    SearchEntry,
    all_knobs,
    configure,
    find_search,
    knobs_for,
    searches_with,
)


@pytest.mark.parametrize("name", SEARCHES)
def test_every_field_of_a_search_is_a_knob_with_words(name: str) -> None:
    entry = SEARCHES[name]
    assert set(entry.knobs) == {field.name for field in dataclasses.fields(entry.config)}
    assert all(knob.description for knob in entry.knobs.values())
    assert entry.config() == configure(name, {})


def test_a_knob_of_several_searches_has_one_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all_knobs()["candidates"].default == 4

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Other(Sampling):
        n: int = 9

    entry = SearchEntry(SEARCHES["sample"].function, Other)
    monkeypatch.setitem(SEARCHES, "other", entry)  # type: ignore[arg-type]
    with pytest.raises(BenchError, match="the knob n has two defaults: 9 and 8; one of the"):
        all_knobs.__wrapped__()


def test_knobs_make_the_settings_of_a_search_and_others_are_refused() -> None:
    assert configure("mcts", {"rollouts": 3}) == MCTS(rollouts=3)
    assert configure("beam", {"rules": "official"}) == Beam(rules="official")
    with pytest.raises(BenchError, match="'beam' does not use rollouts; it uses candidates, max"):
        configure("beam", {"rollouts": 3})
    with pytest.raises(UnknownNameError, match="unknown search 'mctss'; did you mean 'mcts'"):
        find_search("mctss")


def test_what_a_label_and_a_cut_read_is_said_by_the_knobs() -> None:
    labels = {"n", "candidates", "beam_width", "rollouts", "iterations", "width"}
    assert set(knobs_for(Use.LABEL)) == labels
    assert set(knobs_for(Use.BUDGET)) == {"n", "tokens", "rollouts", "iterations"}
    assert searches_with("rules") == ["beam", "mcts"]


def test_searches_that_ask_no_policy_decide_and_have_a_selector_all_the_same() -> None:
    asking_none = [name for name, entry in SEARCHES.items() if not entry.asks_policy]
    assert asking_none == ["closers", *ABLATIONS]
    deciding = [name for name, entry in SEARCHES.items() if entry.decides]
    assert deciding == [*asking_none, "lips_policy"]
    entry = find_search("closers")
    assert list(entry.choose_by(None)) == ["closers"]
    assert not entry.uses_ppm and not entry.needs_ppm
    assert configure("closers", {"cpu_seconds": 5.0}) == Closers(cpu_seconds=5.0)


def test_what_needs_a_ppm_has_no_selector_without_one() -> None:
    needs = [name for name, entry in SEARCHES.items() if entry.needs_ppm]
    assert needs == [
        *("best_of_n", "weighted", "beam", "lookahead", "dvts", "mcts"),
        *("abmcts", "rebase", "particles"),
        *("cpl", "cpl_solution"),
    ]
    assert list(find_search("sample").choose_by(None)) == ["majority"]
    assert list(find_search("sample").choose_by("min")) == ["majority", "best_of_n", "weighted"]


def test_what_samples_independently_is_known() -> None:
    names = ["sample", "majority", "best_of_n", "weighted", "plan_sample"]
    assert [name for name, entry in SEARCHES.items() if entry.is_sampling] == names
    late = [*names[:4], "dvts", names[4]]
    assert [name for name, entry in SEARCHES.items() if entry.is_ordered_late] == late
    greedy = ["greedy", "plan_greedy"]
    assert [name for name, entry in SEARCHES.items() if entry.is_greedy] == greedy
