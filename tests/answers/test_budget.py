"""What a thread computes is what its budget pays for, whatever the clock on the wall says."""

from __future__ import annotations

import time

import pytest

from bench.answers.budget import OutOfTime, budget, spend, unmetered


def spend_all(seconds: float) -> None:
    """Compute for so many CPU seconds, asking all the time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        spend()


def test_waiting_costs_nothing() -> None:
    with budget(0.05):
        time.sleep(0.1)
        for _ in range(100):
            spend()


def test_computing_does() -> None:
    with pytest.raises(OutOfTime), budget(0.02):
        spend_all(1.0)


def test_loading_a_module_is_not_charged() -> None:
    with budget(0.05):
        with unmetered():
            end = time.thread_time() + 0.1
            while time.thread_time() < end:
                pass
        for _ in range(100):
            spend()


def test_an_inner_budget_gives_way_to_the_outer_one() -> None:
    with budget(10.0):
        with pytest.raises(OutOfTime), budget(0.01):
            spend_all(1.0)
        for _ in range(100):
            spend()
    spend_all(0.01)
