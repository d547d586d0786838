"""How well a reward model finds wrong steps: judged solutions, scored and counted."""
