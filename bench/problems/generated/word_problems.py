"""Word problems about two people and what each of them has, of a chosen number of events.

Every sentence is one event out of `EVENTS`, whose code says what it does to the two counts. The
answer is what the code of all sentences leaves; it is a whole number above 0 at every step. The
sentences are kept in one table, so that whoever reads a problem back (the demonstrator of round 1)
reads what was written.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bench.problems.generated.row import Generated

NAMES = ("Ann", "Ben", "Carl", "Dora", "Eva", "Finn", "Gus", "Hana", "Ivan", "Jane", "Karl", "Lena")
THINGS = ("apples", "books", "coins", "stamps", "shells", "cards", "pens", "stickers", "balls")
MOST = 400
"""No count grows above this."""


@dataclass(frozen=True, slots=True)
class SentenceKind:
    """A kind of sentence. `{a}` and `{b}` are the two people, `{n}` and `{m}` numbers."""

    wordings: tuple[str, ...]
    code: str
    """Assignments to the variables `{a}` and `{b}`, one a line."""
    numbers: Callable[[random.Random], Mapping[str, int]] = lambda rng: {"n": rng.randint(3, 30)}


def _factors(rng: random.Random) -> Mapping[str, int]:
    return {"n": rng.randint(2, 6), "m": rng.randint(2, 9)}


def _few(rng: random.Random) -> Mapping[str, int]:
    return {"n": rng.randint(2, 4)}


def _none(rng: random.Random) -> Mapping[str, int]:
    return {}


EVENTS = (
    SentenceKind(
        (
            "{a} buys {n} more {things}.",
            "{a} finds {n} {things}.",
            "{a} wins {n} {things}.",
            "{a} is given {n} {things} by a neighbour.",
        ),
        "{a} = {a} + {n}",
    ),
    SentenceKind(
        (
            "{a} loses {n} {things}.",
            "{a} sells {n} {things}.",
            "{n} of the {things} of {a} get lost.",
        ),
        "{a} = {a} - {n}",
    ),
    SentenceKind(
        (
            "{a} gives {n} {things} to {b}.",
            "{b} takes {n} {things} from {a}.",
            "{b} gets {n} {things} from {a}.",
        ),
        "{a} = {a} - {n}\n{b} = {b} + {n}",
    ),
    SentenceKind(
        (
            "{a} buys {n} boxes of {m} {things} each.",
            "{a} finds {n} bags with {m} {things} in each.",
            "{n} friends give {m} {things} each to {a}.",
        ),
        "{a} = {a} + {n} * {m}",
        _factors,
    ),
    SentenceKind(
        (
            "{a} gives {m} {things} to each of {n} friends.",
            "{a} fills {n} bags with {m} {things} each and sells them.",
        ),
        "{a} = {a} - {n} * {m}",
        _factors,
    ),
    SentenceKind(
        (
            "{a} goes on collecting and has {n} times as many {things} as before.",
            "Soon the number of {things} of {a} is {n} times as large.",
        ),
        "{a} = {a} * {n}",
        _few,
    ),
    SentenceKind(
        (
            "{a} buys as many {things} as {b} has.",
            "{a} finds just as many {things} as {b} has.",
        ),
        "{a} = {a} + {b}",
        _none,
    ),
    SentenceKind(
        (
            "{a} gives half of the {things} to {b}.",
            "{b} gets half of the {things} of {a}.",
        ),
        "{b} = {b} + {a} // 2\n{a} = {a} // 2",
        _none,
    ),
)
"""What can happen to `{a}`."""

STARTS = (
    SentenceKind(("{a} has {n} {things}.",), "{a} = {n}", lambda rng: {"n": rng.randint(6, 40)}),
    SentenceKind(
        ("{b} has {n} more {things} than {a}.", "{a} has {n} fewer {things} than {b}."),
        "{b} = {a} + {n}",
        lambda rng: {"n": rng.randint(2, 20)},
    ),
    SentenceKind(("{b} has {n} times as many {things} as {a}.",), "{b} = {a} * {n}", _few),
    SentenceKind(("{b} has {n} {things}.",), "{b} = {n}", lambda rng: {"n": rng.randint(6, 40)}),
)
"""What a problem begins with: the first for `{a}`, one of the others for `{b}`."""

QUESTIONS = (
    ("How many {things} does {a} have now?", "{a}"),
    ("How many {things} do {a} and {b} have together now?", "{a} + {b}"),
    ("How many more {things} than {b} does {a} have now?", "{a} - {b}"),
)
"""What is asked, and the expression that answers it."""


def generate(seed: int, *, events: int) -> Iterator[Generated]:
    """Yield problems of so many events (after the two that say who has what) without end."""
    index = 0
    while True:
        rng = random.Random(f"{seed}:words:{events}:{index}")
        index += 1
        problem = _draw(rng, events)
        if problem is not None:
            yield problem


def _draw(rng: random.Random, events: int) -> Generated | None:
    """Return a problem; None where a count would leave 1 to `MOST`, or half of one is asked."""
    first, second = rng.sample(NAMES, 2)
    things = rng.choice(THINGS)
    counts: dict[str, int] = {}
    sentences = []
    kinds = [STARTS[0], rng.choice(STARTS[1:]), *(rng.choice(EVENTS) for _ in range(events))]
    for at, event in enumerate(kinds):
        swapped = at > 1 and rng.random() < 0.5
        a, b = (second, first) if swapped else (first, second)
        numbers = event.numbers(rng)
        sentences.append(rng.choice(event.wordings).format(a=a, b=b, things=things, **numbers))
        halves = "// 2" in event.code
        if halves and counts[a] % 2:
            return None
        code = event.code.format(a=a, b=b, **numbers)
        exec(code, {}, counts)  # our own table's assignments
        if not all(0 < count <= MOST for count in counts.values()):
            return None
    asked, expression = rng.choice(QUESTIONS)
    a, b = rng.sample((first, second), 2)
    answer = eval(expression.format(a=a, b=b), {}, counts)
    if answer <= 0:
        return None
    sentences.append(asked.format(a=a, b=b, things=things))
    return Generated(" ".join(sentences), str(answer))
