"""Preference pairs made up for tests."""

from __future__ import annotations

from rstar_train.rows.preferences import PreferenceRow


def made_pair(
    problem: int, before: str, chosen: str, rejected: str, margin: float
) -> PreferenceRow:
    """Return a pair of steps, of a question about a sum."""
    return PreferenceRow(
        problem_id=f"p{problem}",
        dataset="sums",
        prompt=f"Calculate {problem} + 3 * 4.",
        initial_reason_steps=before,
        chosen=chosen,
        rejected=rejected,
        full_chosen=chosen,
        full_rejected=rejected,
        answer="1",
        q_chosen=margin / 2,
        q_rejected=-margin / 2,
        margin=margin,
        kind="step",
    )
