from __future__ import annotations

import re

import pytest

from bench.errors import BenchError, MissingDataError, UnknownNameError
from bench.problems import BENCHMARKS, Role, hub, load, names
from bench.problems.registry import UNVERIFIED
from bench.types import Verifier

PROOF_SETS = ("mo_int_20", "chenneq", "567neq", "minif2f_inequalities", "leanineqcomp")
TRAIN_POOLS = ("gsm8k_train", "math_train", "aime1983_2023", "dapo")


def test_the_benchmarks_of_the_design_are_there() -> None:
    assert set(BENCHMARKS) == {
        "math500",
        "math",
        "aime2024",
        "aime2025",
        "amc2023",
        "olympiadbench",
        "college_math",
        "gaokao2023en",
        "gsm8k",
        "omni_math",
        "omni_math_rule",
        "gaokao_cloze",
        "gaokao_choice",
        *PROOF_SETS,
        *TRAIN_POOLS,
    }


def test_only_training_pools_may_be_trained_on() -> None:
    trainable = {name for name, entry in BENCHMARKS.items() if entry.role is Role.TRAIN}
    assert trainable == set(TRAIN_POOLS)


def test_what_is_to_be_proved_is_graded_by_a_certificate_of_its_own_statement() -> None:
    proved = {name for name, entry in BENCHMARKS.items() if entry.role is Role.PROOF}
    assert proved == set(PROOF_SETS)
    for name in PROOF_SETS:
        verifier = BENCHMARKS[name].verifier_of("a >= 0")
        assert verifier == Verifier("certificate", {"statement": "a >= 0"})
    assert BENCHMARKS["math500"].verifier_of("What is 1?") is None


def test_no_two_benchmarks_share_a_file_or_a_hash() -> None:
    assert len({entry.file for entry in BENCHMARKS.values()}) == len(BENCHMARKS)
    assert len({entry.sha256 for entry in BENCHMARKS.values()}) == len(BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_an_entry_is_complete(name: str) -> None:
    entry = BENCHMARKS[name]
    assert entry.name == name
    assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert re.fullmatch(r"[0-9a-f]{64}", entry.rows_sha256)
    assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{8} \S+", entry.origin)
    assert entry.title and entry.licence
    if entry.hub is not None:
        assert entry.hub.evidence
        assert (entry.hub.rows or entry.rows) <= entry.rows


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_revision_is_a_commit_or_says_that_it_is_unverified(name: str) -> None:
    source = BENCHMARKS[name].hub
    if source is None:
        with pytest.raises(MissingDataError, match="no hub dataset holds.*set RSTAR_BENCH_DATA"):
            hub.read(BENCHMARKS[name])
        return
    revision = source.revision
    assert revision == UNVERIFIED or re.fullmatch(r"[0-9a-f]{40}", revision)


def test_an_unknown_benchmark_lists_close_matches() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'math500'.*aime2024.*embedded"):
        load("maht500")


def test_an_unknown_embedded_tier_is_an_unknown_benchmark() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'embedded-grade-school'"):
        load("embedded-grade-scool")


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(BenchError, match="limit is 0; it must be at least 1"):
        load("embedded", limit=0)


def test_the_embedded_pool_is_loaded_by_name() -> None:
    assert "embedded-grade-school" in names()
    problems = load("embedded-grade-school", limit=6)
    assert len({problem.id for problem in problems}) == 6
    assert {problem.benchmark for problem in problems} == {"embedded-grade-school"}
