"""Whether an engine keeps the promise of seeds on this machine: the same alone and in a batch.

A batch changes how sums are rounded, unless an engine sees to it that it does not; rounding changes
a token now and then, and with it everything that follows. The prompts share their beginnings, so
that an engine that keeps what it has computed answers the second time from what it kept.
"""

from __future__ import annotations

import asyncio

from bench.engines.base import Engine, Request

TOGETHER = "per request: equal alone and in a batch (verified at start)"
APART = "per batch: a request's text depends on what runs beside it (verified at start)"
HISTORY = "none: a text depends on what was computed before it (prefixes are kept)"
"""What an engine with a prefix cache promises. The cache changes the rounding, and forgets when it
is full, so nothing is probed."""

PROBES = 4
TOKENS = 24


def is_kept(determinism: str) -> bool:
    """Whether a promise that was put to the test held."""
    return determinism.startswith(TOGETHER)


async def probe(engine: Engine) -> str:
    """Compare completions generated one at a time with the same ones generated in a full batch."""
    beginning = "def f(x):\n    y = x + 1\n" * 4
    probes = [Request(f"{beginning}    return {i}", 1, i, 1.0, TOKENS, ()) for i in range(PROBES)]
    company = [Request(f"# {i}\nimport math\n", 2, i, 1.0, TOKENS, ()) for i in range(6)]
    alone = [await engine.generate(probe) for probe in probes]
    together = await asyncio.gather(*map(engine.generate, [*probes, *company]))
    pairs = zip(alone, together[:PROBES], strict=True)
    same = all(one.text == other.text for (one,), (other,) in pairs)
    return TOGETHER if same else APART
