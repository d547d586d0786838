"""What a specification resolves to where the user leaves a choice open."""

from __future__ import annotations

import pytest

from bench.engines import checkpoints
from bench.spec import RunSpec, resolve


@pytest.mark.parametrize(
    ("policy", "given", "temperature"),
    [("smollm2", None, 0.7), ("smollm2-r1", None, 1.0), ("smollm2", 0.3, 0.3)],
    ids=["untrained", "trained", "the user's"],
)
def test_samples_are_drawn_as_the_prompt_template_says_unless_the_user_does(
    policy: str, given: float | None, temperature: float
) -> None:
    if policy not in {checkpoints.EMBEDDED, *checkpoints.known("policy")}:
        pytest.skip(f"{policy} is not published here")
    spec = RunSpec("embedded-grade-school", policy, "majority", limit=1, temperature=given)
    resolved = resolve(spec)
    assert resolved.temperature == temperature
    assert resolved.config["policy"]["temperature"] == temperature
