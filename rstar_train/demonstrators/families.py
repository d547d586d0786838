"""How the demonstrator solves each family it knows: questions as steps, and their mistakes.

One function per reasoning-gym family, from the question's text to a `Plan`. A step holds its right
code, a few wordings of its comment, and a function that draws plausible wrong code; the variables
keep their names, so a later step runs whatever came before it. No step is ever checked here.
"""

from __future__ import annotations

import ast
import random
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.problems.generated import DIAL, word_problems

Mistakes = Callable[[random.Random], list[str]]


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step: its right code, wordings of its comment, and a draw of wrong code."""

    code: str
    comments: tuple[str, ...]
    mistakes: Mistakes


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps that solve a problem; `result` is the expression that the last step prints."""

    steps: tuple[PlannedStep, ...]
    result: str
    terse: bool = False
    """Whether steps are not numbered and the answer stands alone: a third fewer tokens."""


def misread(number: str, rng: random.Random) -> str:
    """Return a number as copied carelessly: a digit changed or dropped, or the sign lost."""
    digits = [i for i, char in enumerate(number) if char.isdigit()]
    if not digits:
        return number + "1"
    at = rng.choice(digits)
    kind = rng.randrange(3)
    if kind == 0 and len(digits) > 1:
        return (number[:at] + number[at + 1 :]).lstrip("0") or "0"
    if kind == 1 and number.startswith("-"):
        return number[1:]
    return number[:at] + str((int(number[at]) + rng.randint(1, 9)) % 10) + number[at + 1 :]


def misread_one(code: str, rng: random.Random) -> str:
    """Misread one of the numbers in a line of code; leading zeros, a syntax error, are stripped."""
    numbers = list(re.finditer(r"(?<![\w.])\d+", code))
    if not numbers:
        return code.replace("=", "= 1 +", 1)
    match = rng.choice(numbers)
    wrong = misread(match[0], rng).lstrip("0") or "0"
    return code[: match.start()] + wrong + code[match.end() :]


def _binary(name: str, left: str, op: str, right: str, comments: tuple[str, ...]) -> PlannedStep:
    """`name = left op right`; mistakes: another operation, a misread number, a lost operand."""
    code = f"{name} = {left} {op} {right}"

    def mistakes(rng: random.Random) -> list[str]:
        other = rng.choice([o for o in ("+", "-", "*") if o != op])
        swappable = op == "-" and left != right
        return [
            f"{name} = {left} {other} {right}",
            misread_one(code, rng),
            misread_one(code, rng),
            f"{name} = {left}",
            f"{name} = {right} - {left}" if swappable else f"{name} = {left} {other} {right}",
            f"{name} = {left} {op} valu",
        ]

    return PlannedStep(code, comments, mistakes)


VARIABLES = "abcdefghijklmnop"
_VERBS = {"+": ("Add", "Now add"), "-": ("Subtract", "Take away"), "*": ("Multiply by", "Times")}


def chain_sum(question: str) -> Plan:
    """`State the final answer ...: 57 + 87 - 70 =`, one running total."""
    match = re.search(r":\s*(-?\d+(?:\s+[-+*]\s+-?\d+)+)\s*=\s*$", question)
    if match is None:
        raise ValueError("no sum found")
    first, *rest = match[1].split()
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    steps = []
    for index, (op, number) in enumerate(pairs):
        left = first if index == 0 else "total"
        comments = tuple(f"{verb} {number}" for verb in _VERBS[op])
        steps.append(_binary("total", left, op, number, comments))
    return Plan(tuple(steps), "total")


def basic_arithmetic(question: str) -> Plan:
    """`Calculate ( 56 + -33 ) - 84.`, one operation a step, in the order of precedence."""
    expression = question.removeprefix("Calculate").strip().rstrip(".")
    operators = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
    steps: list[PlannedStep] = []

    def visit(node: ast.expr) -> str:
        if isinstance(node, ast.BinOp) and type(node.op) in operators:
            left, right = visit(node.left), visit(node.right)
            op, name = operators[type(node.op)], VARIABLES[len(steps)]
            verb = {"+": "Add", "-": "Subtract", "*": "Multiply"}[op]
            comments = (f"{verb} {left} and {right}", f"Work out {left} {op} {right}")
            steps.append(_binary(name, left, op, right, comments))
            return name
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = visit(node.operand)
            if inner.isdigit():
                return f"-{inner}"
            name = VARIABLES[len(steps)]
            said = (f"Change the sign of {inner}",)
            steps.append(PlannedStep(f"{name} = -{inner}", said, lambda _: [f"{name} = {inner}"]))
            return name
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return ast.unparse(node)
        raise ValueError(f"{ast.unparse(node)!r} is no sum, difference or product of integers")

    result = visit(ast.parse(expression, mode="eval").body)
    return Plan(tuple(steps), result)


def _numbers_step(numbers: Sequence[str]) -> PlannedStep:
    code = f"numbers = [{', '.join(numbers)}]"
    comments = ("Write down the numbers", "List the numbers")

    def mistakes(rng: random.Random) -> list[str]:
        fewer = list(numbers)
        del fewer[rng.randrange(len(fewer))]
        return [misread_one(code, rng), misread_one(code, rng), f"numbers = [{', '.join(fewer)}]"]

    return PlannedStep(code, comments, mistakes)


def _fold(right: str, wrong: str, what: str) -> Callable[[str], Plan]:
    """A plan for gcd and lcm: list the numbers, then apply the function of `math` to them."""

    def plan(question: str) -> Plan:
        match = re.search(r"numbers:\s*([\d, ]+)", question)
        if match is None:
            raise ValueError("no list of numbers found")
        code = f"import math\nresult = math.{right}(*numbers)"

        def mistakes(rng: random.Random) -> list[str]:
            return [
                code.replace(right, wrong),
                code.replace(
                    f"math.{right}(*numbers)", rng.choice(["min(numbers)", "sum(numbers)"])
                ),
                code.replace("*numbers", "numbers[0], numbers[1] - 1"),
                code.replace("*numbers", "numbers"),
            ]

        comments = (f"Find the {what}", f"Compute the {what} of all of them")
        numbers = [number.strip() for number in match[1].split(",") if number.strip()]
        return Plan((_numbers_step(numbers), PlannedStep(code, comments, mistakes)), "result")

    return plan


def leg_counting(question: str) -> Plan:
    """`... if you have 15 lobsters, 14 ducks?`, one animal a step."""
    from reasoning_gym.arithmetic.leg_counting import ANIMALS

    tail = question.rpartition("if you have")[2].rstrip("? \n")
    steps = []
    for index, item in enumerate(tail.split(",")):
        match = re.fullmatch(r"\s*(\d+) (.+)", item)
        if match is None:
            raise ValueError(f"no number of animals in {item!r}")
        count, plural = match.groups()
        # The generator only appends an "s", or nothing for a single animal.
        animal = plural if plural in ANIMALS else plural.removesuffix("s")
        if animal not in ANIMALS:
            raise ValueError(f"unknown animal {plural!r}")
        steps.append(_legs_step(index, count, plural, ANIMALS[animal]))
    return Plan(tuple(steps), "legs")


def _legs_step(index: int, count: str, plural: str, each: int) -> PlannedStep:
    sofar = "" if index == 0 else "legs + "
    code = f"legs = {sofar}{count} * {each}"

    def mistakes(rng: random.Random) -> list[str]:
        wrong = rng.choice([n for n in (0, 2, 4, 6, 8, 10, 14) if n != each])
        return [
            f"legs = {sofar}{count} * {wrong}",
            f"legs = {sofar}{count} * {wrong}",
            f"legs = {sofar}{misread(count, rng).lstrip('0') or '0'} * {each}",
            f"legs = {sofar}{count} + {each}",
        ]

    comments = (f"{count} {plural} with {each} legs each", f"Legs of the {plural}")
    return PlannedStep(code, comments, mistakes)


def arithmetic(question: str) -> Plan:
    """Plan as `basic_arithmetic` does, in few words: `12 * -7 first`."""
    long = basic_arithmetic(question)
    steps = []
    for step in long.steps:
        _, _, right = step.code.partition(" = ")
        verb = _TERSE.get(right.split()[1] if " " in right else "", "Negate")
        steps.append(PlannedStep(step.code, (verb, f"Work out {right}"), step.mistakes))
    return Plan(tuple(steps), long.result, terse=True)


_TERSE = {"+": "Add", "-": "Subtract", "*": "Multiply"}


def words(question: str) -> Plan:
    """Plan a word problem, a sentence a step, by the table that its sentences come from."""
    *sentences, asked = re.findall(r"[^.?]+[.?]", question)
    steps = []
    for at, sentence in enumerate(sentences):
        events = word_problems.STARTS if at < 2 else word_problems.EVENTS
        code = _code_of(sentence.strip(), events)
        steps.append(PlannedStep(code, (_shorten(sentence),), mistake_code(code)))
    found = match_wording(asked.strip(), [text for text, _ in word_problems.QUESTIONS])
    if found is None:
        raise ValueError(f"nothing known is asked: {asked!r}")
    which, names = found
    result = word_problems.QUESTIONS[which][1].format(**as_variables(names))
    return Plan(tuple(steps), result, terse=True)


def _shorten(sentence: str) -> str:
    """Return what tells a sentence from its neighbours: its code says the rest."""
    return " ".join(sentence.split()[:3]).rstrip(".")


def _code_of(sentence: str, events: Sequence[word_problems.SentenceKind]) -> str:
    for event in events:
        found = match_wording(sentence, event.wordings)
        if found is not None:
            return event.code.format(**as_variables(found[1]))
    raise ValueError(f"no event is known that reads {sentence!r}")


def as_variables(found: Mapping[str, str]) -> Mapping[str, str]:
    """Return what a sentence says, people as the variables that count what they have."""
    return {key: value.lower() if key in "ab" else value for key, value in found.items()}


def match_wording(sentence: str, wordings: Sequence[str]) -> tuple[int, Mapping[str, str]] | None:
    """Return which wording a sentence has, and what stands in its braces; None for no other."""
    for at, wording in enumerate(wordings):
        pattern, seen = "", set()
        for text, name, _, _ in string.Formatter().parse(wording):
            pattern += re.escape(text)
            if name:
                kind = r"\d+" if name in "nm" else r"\w+"
                pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{kind})"
                seen.add(name)
        match = re.fullmatch(pattern, sentence)
        if match is not None:
            return at, match.groupdict()
    return None


def mistake_code(code: str) -> Mistakes:
    """Return a draw of what a careless reader makes of an event."""
    first, *more = code.split("\n")
    name, _, right = first.partition(" = ")

    def mistakes(rng: random.Random) -> list[str]:
        wrong = [misread_one(code, rng)]
        if more:
            wrong += [first, "\n".join(more)]
        for old, new in ((" + ", " - "), (" - ", " + "), (" * ", " + "), ("// 2", "* 2")):
            if old in right:
                wrong.append("\n".join([f"{name} = {right.replace(old, new, 1)}", *more]))
        return wrong

    return mistakes


PLANNERS: Mapping[str, Callable[[str], Plan]] = {
    "chain_sum": chain_sum,
    "basic_arithmetic": basic_arithmetic,
    "gcd": _fold("gcd", "lcm", "greatest common divisor"),
    "lcm": _fold("lcm", "gcd", "least common multiple"),
    "leg_counting": leg_counting,
    **{family.name: arithmetic for family in DIAL["arithmetic"]},
    **{family.name: words for family in DIAL["words"]},
}
"""Families by name: some of the lowest tier, and those of arithmetic and words."""
