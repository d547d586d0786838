"""Verdicts, their outcomes and forms, on hostile input, and from whatever the caller runs in.

What is equal to what is the golden corpus's business (`test_golden.py`): a regression is a row.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from bench.answers import DEFAULT, Conventions, acheck, check, close_checkers, workers
from bench.errors import BenchError
from bench.machine import Meter
from bench.types import Outcome, Verdict

CORRECT, WRONG, UNPARSED = Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED
ENDLESS = r"\sum_{i=1}^{9999} \sum_{j=1}^{9999} \sin(ij)"
"""Terms enough to outlast any patience, and within the limit for each of the sums."""
PATIENCE = 60.0
"""Wall seconds: what takes two of the CPU takes many of a machine that is busy."""


def wait_for_a_question() -> None:
    """Wait until a worker has something to do."""
    end = time.monotonic() + PATIENCE
    while all(future.done() for future in set(workers._workers._asked)):
        assert time.monotonic() < end
        time.sleep(0.02)
    time.sleep(0.2)


@pytest.fixture(autouse=True, scope="module")
def _closed_in_the_end() -> Iterator[None]:
    yield
    close_checkers()


@pytest.mark.parametrize(
    ("gold", "prediction", "expected", "comparer"),
    [
        ("42", "42.0", CORRECT, "string"),
        ("42", r"\frac{84}{2}", CORRECT, "number"),
        ("42", "41", WRONG, "number"),
        (r"2\sqrt{2}", r"\sqrt{8}", CORRECT, "number"),
        ("(x+1)^2", "x^2+2x+1", CORRECT, "expression"),
        ("y=2x+3", "y-2x=3", CORRECT, "equation"),
        ("2, 3", "3, 2", CORRECT, "list"),
        ("(2, 3)", "(3, 2)", WRONG, "tuple"),
        (r"\{1,2\}", r"\{2,1\}", CORRECT, "set"),
        ("x<3", r"(-\infty, 3)", CORRECT, "interval"),
        ("5 cm", "5 m", WRONG, "unit"),
        ("10\\%", "0.1", CORRECT, "percent"),
        ("12:30", "11:30", WRONG, "time"),
        ("101_2", "101_3", WRONG, "base-n"),
        ("B", "(C) 12", WRONG, "choice"),
        (r"\text{even}", "odd", WRONG, "text"),
        ("7", "what do you mean?", UNPARSED, "text"),
        ("7", r"\frac{", UNPARSED, "text"),
        ("7", r"so \boxed{\frac{1}{2}", Outcome.NO_ANSWER, "none"),
        ("7", None, Outcome.NO_ANSWER, "none"),
        ("7", " \n", Outcome.NO_ANSWER, "none"),
        ("", "7", Outcome.INVALID_GOLD, "none"),
        ("$ $", "7", Outcome.INVALID_GOLD, "none"),
        ("{" * 50, "7", Outcome.INVALID_GOLD, "limits"),
        ("7", "1" * 5000, UNPARSED, "limits"),
    ],
)
def test_a_verdict_names_its_outcome_and_the_comparer(
    gold: str, prediction: str | None, expected: Outcome, comparer: str
) -> None:
    verdict = check(gold, prediction)
    assert (verdict.outcome, verdict.comparer) == (expected, comparer), verdict.reason
    assert verdict.reason


def test_a_verdict_has_both_forms_and_says_where_the_answer_was() -> None:
    verdict = check(r"\frac{1}{2}", r"Half of it, so \boxed{\frac{2}{4}}.")
    assert (verdict.gold_form, verdict.prediction_form) == ("1/2", "2/4")
    assert verdict.reason == "the same value (found by: box)"
    assert 0 < verdict.seconds < 1


def test_a_pair_asked_twice_is_decided_once() -> None:
    assert check("x+1", "1+x") is check("x+1", "1+x")
    assert check("x+1", "1+x") is not check("x+1", "1+x", Conventions(percent=False))


def test_the_reference_is_not_searched_for_an_answer_that_suits() -> None:
    assert not check("Neither 3 nor 4 will do.", "4").correct


@pytest.mark.parametrize(
    ("change", "gold", "prediction"),
    [
        ({"percent": False}, "10\\%", "0.1"),
        ({"tolerance": 0.0}, r"\frac{1}{3}", "0.3333333"),
        ({"decimals": False}, "21.93", r"21\frac{13}{14}"),
        ({"ordered_lists": True}, "1, 2", "2, 1"),
        ({"units": False}, "5 cm", "5"),
        ({"prefixes": False}, "x = 5", "5"),
        ({"degrees": False}, r"90^\circ", r"\frac{\pi}{2}"),
        ({"separators": False}, "1234", "1,234"),
        ({"case": True}, r"\text{Even}", r"\text{even}"),
    ],
)
def test_each_convention_decides_what_it_says(
    change: dict[str, bool], gold: str, prediction: str
) -> None:
    strict = replace(DEFAULT, **change)
    if change != {"tolerance": 0.0}:
        assert check(gold, prediction).correct
        assert not check(gold, prediction, strict).correct
    else:  # seven digits are enough by rounding; six are not without a tolerance
        assert check(gold, "0.33333").correct


def test_conventions_are_plain_data_that_a_run_can_store() -> None:
    assert Conventions(**asdict(DEFAULT)) == DEFAULT


def test_a_tolerance_that_is_none_is_refused() -> None:
    with pytest.raises(BenchError, match="relative error"):
        Conventions(tolerance=1.5)


# Hostile input.


def test_identical_text_is_correct_however_large() -> None:
    assert check("9^{9^9}", "9^{9^9}").correct
    assert check("x" * 5000, "x" * 5000).correct


@pytest.mark.parametrize(
    ("prediction", "outcome"),
    [
        ("10**10**10", WRONG),  # decided modulo a prime, without being worked out
        ("9^{9^9}", WRONG),
        ("3^{1000000000}", WRONG),
        ("10^{-10^{10}}", WRONG),
        ("(x+1)^{100000}", WRONG),
        ("2^{2^{2^{2^{2^{2}}}}}", Outcome.UNSAFE),
        ("100000000!", Outcome.UNSAFE),
        ("((9!)!)!", Outcome.UNSAFE),
        (r"\sum_{k=1}^{10^9} k^k", Outcome.UNSAFE),
        ("1e1000000000", Outcome.UNSAFE),
        (r"\sin(10^{100})", Outcome.UNSAFE),
        ("1" * 500, Outcome.UNSAFE),
        ("(" * 60 + "1" + ")" * 60, Outcome.UNSAFE),
        (r"\sqrt{" * 60 + "2" + "}" * 60, Outcome.UNSAFE),
    ],
)
def test_what_is_too_large_is_told_apart_or_refused_at_once(
    prediction: str, outcome: Outcome
) -> None:
    start = time.perf_counter()
    assert check("7", prediction).outcome is outcome
    assert time.perf_counter() - start < 0.5


CODE = [
    "__import__('os').system('touch pwned')",
    r"\boxed{\text{__import__('os').system('touch pwned')}}",
    "open('pwned','w')=1",
    "[open('pwned','w'), 1]",
    r"\pi*open('pwned','w')",
    "open(chr(47)+'pwned'[1:],'w')",
    "x=eval(\"open('pwned','w')\")",
    "sympify(\"open('pwned 1','w')\")",
]


def test_code_in_an_answer_is_neither_run_nor_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close_checkers()
    monkeypatch.chdir(tmp_path)  # workers that start now would write here
    for prediction in CODE:
        assert not check("1", prediction).correct
        decision = workers.result_of(workers.submit("1", prediction, DEFAULT))
        assert decision is not None and decision.outcome is not CORRECT
    close_checkers()
    assert list(tmp_path.iterdir()) == []


def test_a_comparison_that_hangs_is_killed_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check("1.5", ENDLESS)  # the workers are warm now
    monkeypatch.setattr(workers, "TIMEOUT", 0.5)
    start = time.monotonic()
    with_it: list[Verdict] = []
    thread = threading.Thread(target=lambda: with_it.append(check("2.5", ENDLESS)))
    thread.start()
    assert check("5", r"\sqrt{25}").correct
    thread.join()
    assert with_it[0].outcome is Outcome.CHECKER_TIMEOUT
    assert time.monotonic() - start < PATIENCE


def test_a_worker_gives_up_by_itself_before_it_is_killed() -> None:
    verdict = check("3.5", ENDLESS)
    assert verdict.outcome is Outcome.CHECKER_TIMEOUT
    assert verdict.reason == "undecided after 1.5 s of CPU time"


def test_a_worker_is_killed_by_what_it_computed_and_not_by_the_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "TIMEOUT", 0.2)
    decision = workers.result_of(workers.submit("7.5", ENDLESS, DEFAULT))
    assert decision is not None
    assert decision.reason == "undecided after 0.2 s of CPU time"
    future = workers._workers.submit(time.sleep, 0.4, timeout=PATIENCE, cpu_seconds=0.2)
    assert future.result() is None


def test_a_worker_that_dies_is_a_verdict() -> None:
    verdicts: list[Verdict] = []
    thread = threading.Thread(target=lambda: verdicts.append(check("4.5", ENDLESS)))
    thread.start()
    wait_for_a_question()
    for worker in psutil.Process().children():
        if any("spawn_main" in word for word in worker.cmdline()):
            worker.kill()
    thread.join()
    assert verdicts[0].outcome is Outcome.UNSAFE
    assert "died" in verdicts[0].reason


# Whatever the caller runs in.


def test_many_are_checked_at_once_under_asyncio() -> None:
    async def scenario() -> list[Verdict]:
        return await asyncio.gather(
            *(acheck(f"\\frac{{{i}}}{{7}}", f"{2 * i}/14") for i in range(1, 101))
        )

    assert all(verdict.correct for verdict in asyncio.run(scenario()))


def test_the_event_loop_is_free_while_a_check_takes_long() -> None:
    async def scenario() -> int:
        ticks = 0
        checking = asyncio.ensure_future(acheck("5.5", ENDLESS))
        while not checking.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks

    assert asyncio.run(scenario()) > 10


def test_a_thread_may_check() -> None:
    verdicts: list[Verdict] = []
    threads = [
        threading.Thread(
            target=lambda i=i: verdicts.append(
                check(rf"\sqrt{{{i}}}", rf"\frac{{{i}}}{{\sqrt{i}}}")
            )
        )
        for i in range(2, 10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [verdict.outcome for verdict in verdicts] == [CORRECT] * 8


def test_closing_ends_the_workers_and_answers_who_waits() -> None:
    verdicts: list[Verdict] = []
    thread = threading.Thread(target=lambda: verdicts.append(check("6.5", ENDLESS)))
    thread.start()
    wait_for_a_question()
    close_checkers()
    thread.join(timeout=PATIENCE)
    assert verdicts[0].reason == "the checkers were closed"
    commands = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert not [command for command in commands if "spawn_main" in command]


def test_importing_loads_no_algebra_system() -> None:
    code = (
        "import sys, bench.answers\n"
        "heavy = {'sympy', 'mpmath', 'math_verify', 'numpy', 'pebble'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_verdict_that_the_machine_gives_no_time_is_asked_for_again_and_then_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meter = Meter()
    monkeypatch.setattr(workers, "_PATIENCE", 0.05)  # 0.1 s by the clock, of 2 of CPU
    verdict = check("8.5", ENDLESS)
    assert verdict.outcome is Outcome.CHECKER_TIMEOUT and verdict.outcome.is_failure
    assert verdict.reason == "the machine gave the checker no time to decide"
    took = meter.take()
    assert (took["verdict_again"], took["verdict_lost"]) == (1, 1)
