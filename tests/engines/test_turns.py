"""Turns on the processor: one at a time, first come, first served."""

from __future__ import annotations

import threading
import time

import pytest

from bench.engines.turns import Turns


def waiting(turns: Turns, count: int) -> None:
    """Return once so many threads wait."""
    while len(turns._waiting) < count:
        time.sleep(0.001)


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns, order, threads = Turns(), [], []

    def work(name: int) -> None:
        with turns:
            order.append(name)

    with turns:
        for name in range(5):
            threads.append(threading.Thread(target=work, args=(name,)))
            threads[-1].start()
            waiting(turns, name + 1)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_whoever_has_just_had_a_turn_waits_behind_those_who_wait() -> None:
    turns, order = Turns(), []

    def other() -> None:
        with turns:
            order.append("other")

    with turns:
        thread = threading.Thread(target=other)
        thread.start()
        waiting(turns, 1)
    with turns:
        order.append("again")
    thread.join()
    assert order == ["other", "again"]


def test_only_one_holds_the_processor() -> None:
    turns, inside, most = Turns(), [], []

    def work() -> None:
        for _ in range(50):
            with turns:
                inside.append(1)
                most.append(len(inside))
                time.sleep(0)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (200, 1)


def test_an_error_inside_hands_the_turn_on() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="broken"), turns:
        raise ValueError("broken")
    with turns:
        pass


def test_only_the_processor_is_taken_in_turn() -> None:
    turns = Turns()
    assert turns.on("cpu") is turns
    with turns.on("cuda"), turns.on("cuda"):  # the processor's would wait for itself
        pass
