"""Who is let in next: the lowest order first, then who came first, and nobody passes the head."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bench.engines.waiting_line import WaitingLine


def line(room: int, *waiting: tuple[str, int, int]) -> WaitingLine[str]:
    """A line that these have joined: a name, an order, a size."""
    made: WaitingLine[str] = WaitingLine(room)
    for name, order, size in waiting:
        made.join(name, order=order, size=size)
    return made


def let_in(waiting: WaitingLine[str], taken: Iterable[int]) -> list[str | None]:
    return [waiting.let_in(each) for each in taken]


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ((0, 0, 0), ["0", "1", "2"]),
        ((2, 1, 0), ["2", "1", "0"]),
        ((1, 0, 1), ["1", "0", "2"]),
    ],
)
def test_the_lowest_order_goes_first_then_who_came_first(
    orders: tuple[int, ...], expected: list[str]
) -> None:
    waiting = line(9, *((str(at), order, 1) for at, order in enumerate(orders)))
    assert let_in(waiting, range(3)) == expected


def test_what_exactly_fits_is_let_in_and_one_more_is_not() -> None:
    assert line(8, ("four", 0, 4)).let_in(4) == "four"
    assert line(8, ("four", 0, 4)).let_in(5) is None


def test_a_small_one_does_not_pass_a_large_one_before_it() -> None:
    waiting = line(8, ("large", 0, 6), ("small", 1, 1))
    assert let_in(waiting, (4, 2, 7)) == [None, "large", "small"]


def test_one_that_comes_later_goes_before_those_of_a_higher_order() -> None:
    waiting = line(8, ("third problem", 2, 4), ("fourth problem", 3, 4))
    waiting.join("first problem", order=0, size=1)
    assert let_in(waiting, (0, 1)) == ["first problem", "third problem"]


def test_one_larger_than_all_the_room_is_let_in_alone() -> None:
    waiting = line(8, ("huge", 0, 20))
    assert let_in(waiting, (1, 0)) == [None, "huge"]


def test_nobody_is_let_in_where_nobody_waits() -> None:
    assert line(8).let_in(0) is None


def test_everybody_is_sent_away_in_the_lines_order() -> None:
    waiting = line(8, ("second", 1, 1), ("first", 0, 20))
    assert (len(waiting), list(waiting.send_away()), len(waiting)) == (2, ["first", "second"], 0)
