"""What the machine allows: a token's bytes and products, against bandwidth and peak as measured.

A step reads every weight once, whatever the number of its rows, and multiplies it once for each
row. So few rows are bound by the memory's bandwidth, many by the cores' peak. Both are measured
here, by programs that do nothing else; what the model alone reaches is measured beside them, with
nothing but its own steps, all prefixes known; and passes of a PPM, whose rows are whole texts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial

from bench.checkpoints.checkpoint import newest_policy
from bench.checkpoints.weights import (
    cached_values,
    full_weights,
    openvino_weights,
    parameters,
)
from bench.engines.base import Precision
from bench.engines.machine import find_fastest, measure_bandwidth, measure_peak
from bench.engines.memory import BLOCK
from bench.engines.paged_model import PagedModel, Row, fastest_precision
from bench.speed.measure import Figure

ROWS = (1, 32, 128)
CONTEXT = 192
"""Tokens before each row."""
PPM_ROWS = 512
"""Rows of a PPM's pass: two texts of half as many tokens."""
BYTES = {"f32": 4, "bf16": 2, "int8": 1}
"""Of a weight."""


async def roofline() -> list[Figure]:
    """Measure the machine, then the model alone in each precision. Raises MissingExtraError."""
    policy = newest_policy()
    weights, kept = parameters(policy), 2 * CONTEXT * cached_values(policy)
    bandwidth = measure_bandwidth()
    chosen = fastest_precision()
    multiplied: tuple[Precision, ...] = ("f32", "bf16") if chosen == "bf16" else ("f32",)
    peaks = {name: measure_peak(name) for name in multiplied}
    figures = [
        Figure("memory, read", bandwidth / 1e9, "GB/s"),
        *(Figure(f"products in {name}", peak / 1e9, "GFLOP/s") for name, peak in peaks.items()),
        Figure("products of a token", 2 * weights / 1e6, "MFLOP"),
        Figure(f"keys and values of a token, {CONTEXT} before it", kept / 1e6, "MB"),
    ]
    precisions: list[Precision] = ["f32", "bf16", "int8"] if chosen == "bf16" else ["f32", "int8"]
    for precision in precisions:
        peak = peaks.get(precision, peaks[chosen])
        read = BYTES[precision] * weights
        figures.append(Figure(f"{precision}: weights that a step reads", read / 1e6, "MB"))
        rates = _rates(precision)
        for rows, rate in zip(ROWS, rates, strict=True):
            by_memory = rows * bandwidth / (read + rows * kept)
            by_peak = peak / (2 * weights)
            bound = min(by_memory, by_peak)
            what = "memory" if by_memory < by_peak else "products"
            figures += [
                Figure(f"{precision}, {rows} rows: the model alone", rate, "tokens/s"),
                Figure(
                    f"{precision}, {rows} rows: of what {what} allow",
                    100 * rate / bound,
                    "%",
                    at_least=70 if (precision, rows) == ("bf16", ROWS[-1]) else None,
                ),
            ]
    rate = _rate_of_states(chosen)
    bound = peaks[chosen] / (2 * (weights - _count_embeddings()))
    share = 100 * rate / bound
    return [
        *figures,
        Figure(f"{chosen}, a PPM's pass of {PPM_ROWS} rows", rate, "tokens/s"),
        Figure(f"{chosen}, a PPM's pass: of what products allow", share, "%", at_least=70),
    ]


def _rate_of_states(precision: Precision) -> float:
    """Return the tokens a second of a pass that makes states and no logits."""
    length = PPM_ROWS // 2
    each = length // BLOCK
    model = PagedModel(
        openvino_weights(newest_policy()), precision=precision, blocks=1 + 2 * each, speaks=False
    )
    tables = [range(1, 1 + each), range(1 + each, 1 + 2 * each)]
    rows = [Row(5, at, table) for table in tables for at in range(length)]
    ends = [length - 1, 2 * length - 1]
    return PPM_ROWS / find_fastest(partial(model.compute, rows, (), ends))


def _count_embeddings() -> int:
    """Return how many weights make logits alone: those that states need are the others."""
    config = json.loads((full_weights(newest_policy()) / "config.json").read_text())
    return int(config["vocab_size"]) * int(config["hidden_size"])


def _rates(precision: Precision) -> Sequence[float]:
    """Return the tokens a second of a step over so many sequences."""
    folder = openvino_weights(newest_policy())
    each = CONTEXT // BLOCK + 1
    model = PagedModel(folder, precision=precision, blocks=1 + each * max(ROWS))
    tables = [range(1 + each * at, 1 + each * (at + 1)) for at in range(max(ROWS))]
    for table in tables:
        model.compute([Row(5, at, table) for at in range(CONTEXT)])
    found = []
    for count in ROWS:
        rows = [Row(7, CONTEXT, table) for table in tables[:count]]
        found.append(count / find_fastest(partial(model.compute, rows, range(count))))
    return found
