"""How small a difference a number of problems can show, and how many problems show it."""

from __future__ import annotations

import math
from statistics import NormalDist


def minimum_detectable_difference(
    n: int, *, discordant: float = 0.5, alpha: float = 0.05, power: float = 0.8
) -> float:
    """Return the smallest true difference that a two-sided paired test of n problems finds.

    "Finds" means with probability `power`. Solves √n·δ = z(1-α/2)·√ψ + z(power)·√(ψ - δ²) for δ;
    Connor, Biometrics 43 (1987) 207. ψ is `discordant`, the share of problems that exactly one of
    the methods solves; the default is that of two methods right half the time, independently, the
    most that independence allows. Returns infinity when not even a δ of ψ (all discordant problems
    on one side) would be found.
    """
    if n < 1 or not 0 < discordant <= 1:
        raise ValueError(f"minimum_detectable_difference: n={n}, discordant={discordant}")
    z_alpha, z_power = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    square = n + z_power**2 - z_alpha**2
    if square < 0:
        return math.inf
    root = math.sqrt(n) * z_alpha + z_power * math.sqrt(square)
    delta = math.sqrt(discordant) * root / (n + z_power**2)
    return delta if delta <= discordant else math.inf


def count_problems(
    detect: float,
    *,
    discordant: float = 0.5,
    alpha: float = 0.05,
    power: float = 0.8,
    seeds: int = 1,
    redrawn: float = 0.5,
) -> int:
    """Return the fewest problems on which a paired test finds a true difference of `detect`.

    The inverse of `minimum_detectable_difference`: n = (z(1-α/2)·√v + z(power)·√(v - δ²))² / δ²
    with v = ψ for one seed. With several, each problem counts with the mean of its differences, and
    v = ψ·((1 - ρ) + ρ/seeds): ρ is `redrawn`, the share of the variance of a problem's difference
    that another seed draws anew; the rest belongs to the problem, and no seed removes it. Raises
    ValueError: a number out of range, or more difference than `discordant` leaves room for.
    """
    fits = 0 < detect <= discordant <= 1 and 0 <= redrawn <= 1 and seeds >= 1
    if not fits or not 0 < alpha < 1 or not 0 < power < 1:
        raise ValueError(f"count_problems: detect={detect}, discordant={discordant}")
    z_alpha, z_power = NormalDist().inv_cdf(1 - alpha / 2), NormalDist().inv_cdf(power)
    v = discordant * (1 - redrawn + redrawn / seeds)
    root = z_alpha * math.sqrt(v) + z_power * math.sqrt(max(v - detect**2, 0.0))
    return max(1, math.ceil((root / detect) ** 2 - 1e-9))
