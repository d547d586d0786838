"""Out of domain: no generator that anything is trained on, and references that others find, too.

Every reference is found a second time, by a program of this file that reads the question alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from itertools import permutations, product
from typing import TypeVar

import pytest

from bench.answers import close_checkers
from bench.errors import DataError, UnknownNameError
from bench.problems import BENCHMARKS, load
from bench.problems.generated import OUT_OF_DOMAIN, TIERS, ProblemFamily, tier_problems
from bench.problems.verification import verify
from bench.runs.grading import judge_now
from bench.types import Outcome, Problem
from rstar_train.recipes.recipe import RECIPES, load_recipe
from rstar_train.recipes.settings import PoolSettings, Source
from rstar_train.search.pool import load_pool

NAME = "embedded-out-of-domain"
FAMILIES = [family.name for families in OUT_OF_DOMAIN.values() for family in families]
OURS_ELSEWHERE = {"countdown", "puzzle24"}
"""Generators of reasoning-gym for games that this project has generators of its own for."""
REFUSED = (Outcome.WRONG, Outcome.UNPARSED)
Grid = list[list[str]]
Cell = tuple[int, int]
T = TypeVar("T")


@cache
def problems() -> tuple[Problem, ...]:
    return tuple(load(NAME))


def generators(families: tuple[ProblemFamily, ...]) -> set[str]:
    return {f.generator or f.name for f in families if not callable(f.generator)}


def test_nothing_shares_a_generator_with_what_is_trained_on() -> None:
    trained = set().union(*map(generators, TIERS.values())) | OURS_ELSEWHERE
    evaluated = set().union(*map(generators, OUT_OF_DOMAIN.values()))
    assert evaluated == set(FAMILIES)
    assert not trained & evaluated


def test_no_recipe_names_it_and_none_could() -> None:
    for path in RECIPES.glob("*.yaml"):
        for source in load_recipe(path.stem).pool.sources:
            assert source.name in BENCHMARKS or source.name.removeprefix("embedded-") in TIERS
            assert not set(source.families) & set(FAMILIES)
    with pytest.raises(UnknownNameError, match="source of the pool"):
        load_pool(PoolSettings((Source(NAME, 3),), 0), seed=1)
    with pytest.raises(DataError, match=r"'games' is out of domain.*never trained on; tiers with"):
        tier_problems("games", "train", 3)


def test_there_are_384_problems_and_any_prefix_is_balanced_over_kinds_and_families() -> None:
    assert len({problem.id for problem in problems()}) == len(problems()) == 384
    assert {problem.benchmark for problem in problems()} == {NAME}
    assert sorted(p.subject or "" for p in problems()[:12]) == sorted(FAMILIES)
    assert [problem.level for problem in problems()[:6]] == ["logic", "numbers", "games"] * 2


def test_kinds_and_families_are_parts() -> None:
    assert {problem.level for problem in load(f"{NAME}:games")} == {"games"}
    assert len(load(f"{NAME}:maze")) == 32
    assert len(load(f"{NAME}:count_bits,syllogism")) == 64


def test_every_reference_is_accepted_and_that_of_another_problem_refused() -> None:
    try:
        found = verify(NAME, judge_now)
        assert (found.rows, found.rejected, found.invalid) == (384, (), ())
        for family in FAMILIES:
            answers = list(dict.fromkeys(p.answer for p in problems() if p.subject == family))
            for right, wrong in zip(answers, answers[1:], strict=False):
                verdict = judge_now(Problem("p", "", right, NAME), wrong)
                assert verdict.outcome in REFUSED, (family, right, wrong)
    finally:
        close_checkers()


def count_friends(question: str) -> str:
    (women,) = re.findall(r"(\d+) female friends", question)
    return str(int(women) + 1)


def count_consistent(question: str) -> str:
    least, most, true, false = map(int, re.findall(r"(?:least|most|Exactly) (\d)", question))
    consistent = 0
    for said in product((True, False), repeat=7):
        yes = sum(said)
        no = 7 - yes
        facts = (
            *(yes >= least, no <= most, yes == true, no == false),
            *(said[2] != said[3], yes in (2, 3, 5, 7), no in (4, 6)),
        )
        consistent += facts == said
    return str(consistent)


def follows(question: str) -> str:
    """Try every world: a set of the kinds of things that there are, by what they belong to."""
    claims = re.findall(r"(No|Some) (\w+) are (not )?(\w+)", question)
    names = sorted({name for _, left, _, right in claims for name in (left, right)})
    things = [set(thing) for thing in subsets(names)]

    def holds(claim: tuple[str, str, str, str], world: list[set[str]]) -> bool:
        quantifier, left, negated, right = claim
        some = any(left in thing and (right in thing) != bool(negated) for thing in world)
        return some if quantifier == "Some" else not some

    worlds = subsets(things)
    *premises, conclusion = claims
    return (
        "Yes"
        if all(holds(conclusion, w) for w in worlds if all(holds(p, w) for p in premises))
        else "No"
    )


def subsets(items: list[T]) -> list[list[T]]:
    return [
        [item for item, kept in zip(items, choice, strict=True) if kept]
        for choice in product((True, False), repeat=len(items))
    ]


def convert(question: str) -> str:
    pattern = r"the (?:base-)?(\w+) number (\d+) to (?:base-)?(\w+)"
    ((source, digits, target),) = re.findall(pattern, question)
    value = int(digits, 2 if source == "binary" else int(source))
    base = 2 if target == "binary" else int(target)
    written = ""
    while value:
        value, digit = divmod(value, base)
        written = str(digit) + written
    return written or "0"


MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ORDINALS = ("first", "second", "third", "fourth", "last")


def ask_the_calendar(question: str) -> str:
    day, month = "|".join(DAYS), "|".join(MONTHS)
    if event := re.search(rf"({'|'.join(ORDINALS)}) ({day})", question):
        (name,) = re.findall(rf"({month}) 2022", question)
        first = date(2022, MONTHS.index(name) + 1, 1)
        days = [first + timedelta(n) for n in range(31)]
        hits = [d for d in days if d.month == first.month and DAYS[d.weekday()] == event.group(2)]
        return str(hits[-1 if event.group(1) == "last" else ORDINALS.index(event.group(1))].day)
    dates = [
        date(2022, MONTHS.index(name) + 1, int(number))
        for name, number in re.findall(rf"({month}) (\d+)", question)
    ]
    if len(dates) == 2:
        # What is counted is the one day that no date follows.
        (wanted,) = set(re.findall(rf"({day})s?\b(?!, (?:{month}))", question))
        span = range((dates[1] - dates[0]).days + 1)
        return str(sum(DAYS[(dates[0] + timedelta(n)).weekday()] == wanted for n in span))
    (shift,) = re.findall(r"(\d+)[ -]days?\b", question)
    sign = -1 if re.search(r"ago|before|backward", question) else 1
    return DAYS[(dates[0] + timedelta(sign * int(shift))).weekday()]


def count_ones(question: str) -> str:
    (number,) = re.findall(r"number (\d+)", question)
    return str(bin(int(number)).count("1"))


def count_letters(question: str) -> str:
    ((letter, text),) = re.findall(r'letter "(.)" appear in the text: "(.*)"', question)
    return str(text.lower().count(letter))


def count_swaps(question: str) -> str:
    string = question.rsplit(maxsplit=1)[-1]
    targets = {("01" * len(string))[at : at + len(string)] for at in (0, 1)}
    reachable = [t for t in targets if sorted(t) == sorted(string)]
    swaps = [sum(a != b for a, b in zip(string, t, strict=True)) // 2 for t in reachable]
    return str(min(swaps, default=-1))


def neighbours(cell: Cell, among: set[Cell]) -> set[Cell]:
    row, column = cell
    around = {(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)}
    return around & among


def spread(start: set[Cell], among: set[Cell]) -> tuple[int, set[Cell]]:
    """Return in how many steps `start` has spread to all that it reaches, and what that is."""
    reached, steps = set(start), 0
    while new := {n for cell in reached for n in neighbours(cell, among)} - reached:
        reached |= new
        steps += 1
    return steps, reached


def cells(grid: list[str] | Grid, *marks: str) -> set[Cell]:
    return {(r, c) for r, row in enumerate(grid) for c, mark in enumerate(row) if mark in marks}


def numbers_of(question: str) -> Grid:
    return [line.split() for line in question.splitlines() if re.fullmatch(r"\d( \d)+", line)]


def measure_islands(question: str) -> str:
    land = cells(numbers_of(question), "1")
    return str(max((len(spread({cell}, land)[1]) for cell in land), default=0))


def wait_for_oranges(question: str) -> str:
    grid = numbers_of(question)
    fresh = cells(grid, "1")
    steps, reached = spread(cells(grid, "2"), fresh)
    return str(steps if fresh <= reached else -1)


def walk(question: str) -> str:
    ((start, goal),) = re.findall(r"from '(.)' \(start\) to '(.)' \(goal\)", question)
    (passage,) = re.findall(r"'(.)' = Passage", question)
    lines = question.split("```\n")[1].splitlines()
    floor = cells(lines, start, goal, passage)
    reached, steps = cells(lines, start), 0
    while not reached & cells(lines, goal):
        reached |= {n for cell in reached for n in neighbours(cell, floor)}
        steps += 1
    return str(steps)


HOUSES = ("first", "second", "third")
CALLED = {"brit": "british", "swede": "swedish", "horse": "horses", "roses": "rose"}
"""What the clues call a value otherwise than the list does."""
RELATIONS: dict[str, Callable[[int, int], bool]] = {
    r"(.*) is directly left of (.*)": lambda a, b: a + 1 == b,
    r"(.*) is somewhere to the left of (.*)": lambda a, b: a < b,
    r"(.*) is somewhere to the right of (.*)": lambda a, b: a > b,
    r"(.*) and (.*) are next to each other": lambda a, b: abs(a - b) == 1,
    r"There is one house between (.*) and (.*)": lambda a, b: abs(a - b) == 2,
}


def ask_who_lives_first(question: str) -> str:
    """Try every way to live in the three houses; the clues must leave one."""
    listed = re.findall(r"^ - .*: (.*)$", question, re.MULTILINE)
    names, *others = [line.split(", ") for line in listed]
    clues = re.findall(r"^\d+\. (.*)\.$", question, re.MULTILINE)

    def meant(phrase: str) -> tuple[int, str] | None:
        """Return the kind and the value that a phrase of a clue stands for."""
        if phrase.lower() in names:
            return 0, phrase.lower()
        found = [
            (kind, value)
            for kind, values in enumerate(others, 1)
            for value in values
            if re.search(rf"\b({value}|{CALLED.get(value, value)})\b", phrase.lower())
        ]
        return found[0] if len(found) == 1 else None

    def holds(clue: str, world: tuple[tuple[str, ...], ...]) -> bool:
        def house(thing: tuple[int, str] | None) -> int:
            assert thing is not None, clue
            return world[thing[0]].index(thing[1])

        if at := re.fullmatch(rf"(.*) is (not )?in the ({'|'.join(HOUSES)}) house", clue):
            return (house(meant(at[1])) == HOUSES.index(at[3])) != bool(at[2])
        for pattern, related in RELATIONS.items():
            if match := re.fullmatch(pattern, clue):
                return related(house(meant(match[1])), house(meant(match[2])))
        words = clue.split(" is ")
        sides = {
            (left, right)
            for at in range(1, len(words))
            if (left := meant(" is ".join(words[:at])))
            and (right := meant(" is ".join(words[at:])))
            and left[0] != right[0]
        }
        ((left, right),) = sides
        return house(left) == house(right)

    worlds = [
        world
        for world in product(*(tuple(permutations(values)) for values in (names, *others)))
        if all(holds(clue, world) for clue in clues)
    ]
    assert len(worlds) == 1
    assert "lives in House 1?" in question
    return worlds[0][0][0]


SOLVERS: dict[str, Callable[[str], str]] = {
    "aiw": count_friends,
    "self_reference": count_consistent,
    "syllogism": follows,
    "zebra_puzzles": ask_who_lives_first,
    "base_conversion": convert,
    "calendar_arithmetic": ask_the_calendar,
    "count_bits": count_ones,
    "letter_counting": count_letters,
    "binary_alternation": count_swaps,
    "largest_island": measure_islands,
    "maze": walk,
    "rotten_oranges": wait_for_oranges,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_reference_is_what_the_question_asks_for(family: str) -> None:
    asked = [problem for problem in problems() if problem.subject == family]
    assert len(asked) == 32
    found = {p.question: SOLVERS[family](p.question) for p in asked}
    assert [p.question for p in asked if found[p.question] != p.answer] == []
