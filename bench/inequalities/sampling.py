"""Points on an equality, in floating point: where bounds and scalings are tried first."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.inequalities.polynomials import Floats


def scale_onto(h: Callable[[Floats], Floats], x: Floats) -> Floats:
    """Return multiples of points at which `h` is 0; points that have none are left out.

    `x` has the shape (points, variables); multiples from 1/55 to 55 are looked at.
    """
    if not len(x):
        return x
    scales = np.exp(np.linspace(-4, 4, 161))
    with np.errstate(all="ignore"):
        values = np.array([h(x * s) for s in scales])
        changes = np.sign(values[:-1]) * np.sign(values[1:]) <= 0
        has = changes.any(axis=0)
        at = changes.argmax(axis=0)[has]
        x, low, high = x[has], scales[at], scales[at + 1]
        if not len(x):
            return x
        at_low = h(x * low[:, None])
        for _ in range(50):
            middle = np.sqrt(low * high)
            same = h(x * middle[:, None]) * at_low > 0
            low, high = np.where(same, middle, low), np.where(same, high, middle)
    scaled: Floats = x * np.sqrt(low * high)[:, None]
    return scaled
