"""The steps that are timed: of the kind that models write, in chains and in trees."""

from __future__ import annotations

import random

TREE_DEPTH, CANDIDATES = 8, 4
TRIVIAL = "apples = 14 * 6\nprint(apples)"


def chain(number: int, *, names: bool = True) -> list[str]:
    """Eight steps of the kind that models write, about other numbers each time.

    Without `names`, any step can follow any other.
    """
    a, b, c = number % 31 + 2, number % 47 + 3, number % 23 + 4
    first = "from sympy import *\nt = symbols('t')\n"
    steps = [
        f"roots_ = solve(t**2 - {a + c}*t + {a * c}, t)\nprint(roots_)",
        f"u, v = symbols('u v')\npair = solve([u + {b}*v - {c}, {a}*u - v - {b}], [u, v])\n"
        "print(pair)",
        f"shape = factor(expand((t + {a})*(t - {b})*(t - {c})))\nprint(shape)",
        f"area = integrate(t**2*exp({c % 4 + 1}*t), t)\nprint(area)",
        f"import numpy as np\ngrid = np.array([[{a}.0, 2.0], [1.0, {b}.0]])\n"
        "print(np.linalg.eigvalsh(grid @ grid.T).round(6))",
        f"hits = 0\nfor k in range(1, 20000):\n    if k % {a} == 0 or k % {b} == 0:\n"
        "        hits += k\nprint(hits)",
        f"slope = simplify(diff(t**3*exp({c % 3 + 1}*t), t) / exp({c % 3 + 1}*t))\nprint(slope)",
        f"m = symbols('m')\nprint(summation(m**2 + {b}*m, (m, 1, {a})), Rational({a}, {c + 1}))",
    ]
    return [first + step if index == 0 or not names else step for index, step in enumerate(steps)]


def tree(steps: int) -> list[tuple[int, str]]:
    """A random tree as a search grows it: parents by index, -1 for the root, and programs."""
    chance, grown = random.Random(20), list[tuple[int, str]]()
    depths, leaves = [-1], [-1]
    while len(grown) < steps:
        parent = leaves.pop(chance.randrange(len(leaves)))
        depth = depths[parent + 1] + 1
        for _ in range(CANDIDATES):
            grown.append((parent, chain(1000 + len(grown), names=False)[depth]))
            depths.append(depth)
            if depth + 1 < TREE_DEPTH:
                leaves.append(len(grown) - 1)
    return grown[:steps]
