"""Rounds as resumable stages: evolve, the stages of rStar-Math, evaluation, ablation, status."""
