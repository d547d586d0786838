"""What the machine allows: a token's bytes and products, against bandwidth and peak as measured.

A step reads every weight once, whatever the number of its rows, and multiplies it once for each
row. So few rows are bound by the memory's bandwidth, many by the cores' peak. Both are measured
here, by programs that do nothing else; what the model alone reaches is measured beside them, with
nothing but its own steps, all prefixes known.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from bench.checkpoints.checkpoint import newest_policy
from bench.checkpoints.weights import cached_values, openvino_weights, parameters
from bench.engines.base import Precision
from bench.engines.memory import BLOCK
from bench.engines.paged_model import PagedModel, Row, fastest_precision
from bench.errors import MissingExtraError
from bench.speed.measure import Figure

ROWS = (1, 32, 128)
CONTEXT = 192
"""Tokens before each row."""
BYTES = {"f32": 4, "bf16": 2, "int8": 1}
"""Of a weight."""
READ = 1 << 29
"""Bytes that are read at a time: many times what caches hold."""
SECONDS = 2.0
"""How long each thing is repeated; the fastest time counts."""


async def roofline() -> list[Figure]:
    """Measure the machine, then the model alone in each precision. Raises MissingExtraError."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("measuring the machine", "torch", "cpu") from error
    policy = newest_policy()
    weights, kept = parameters(policy), 2 * CONTEXT * cached_values(policy)
    bandwidth = measure_bandwidth()
    chosen = fastest_precision()
    kinds = {"f32": torch.float32} | ({"bf16": torch.bfloat16} if chosen == "bf16" else {})
    peaks = {name: measure_peak(kind) for name, kind in kinds.items()}
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
                Figure(f"{precision}, {rows} rows: of what {what} allow", 100 * rate / bound, "%"),
            ]
    return figures


def measure_bandwidth() -> float:
    """Return the bytes that all cores together read from memory in a second."""
    import torch

    held = torch.ones(READ // 4, dtype=torch.float32)
    return READ / _fastest(lambda: held.sum())


def measure_peak(kind: object) -> float:
    """Return the floating-point operations of all cores together in a second, in large products."""
    import torch

    size = 1536
    one, other = (torch.ones(size, size).to(kind) for _ in range(2))  # type: ignore[call-overload]
    return 2 * size**3 / _fastest(lambda: one @ other)


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
        found.append(count / _fastest(partial(model.compute, rows, range(count))))
    return found


def _fastest(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes where nothing disturbs it."""
    work()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best
