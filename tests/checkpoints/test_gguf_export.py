"""Weights written as GGUF are the weights that were given, as two other readers see them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.checkpoints.gguf_export import write_gguf
from bench.errors import CheckpointError
from tests import tiny

pytestmark = pytest.mark.skipif(
    find_spec("gguf") is None or find_spec("transformers") is None,
    reason="gguf or transformers is not installed: pip install 'rstar-bench[cpu]'",
)

VOCABULARY = 64
HALF_PRECISION = 2**-11
"""Relative rounding of F16, in which matrices are stored."""


@pytest.fixture(scope="module")
def model() -> Any:
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(3)
    return LlamaForCausalLM(tiny.config(VOCABULARY))


@pytest.fixture(scope="module")
def weights(model: Any) -> dict[str, Any]:
    return dict(model.state_dict())


@pytest.fixture(scope="module")
def like(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF with the metadata of the tiny model and no tensors of its own."""
    import gguf

    config = model.config
    path = tmp_path_factory.mktemp("like") / "like.gguf"
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(VOCABULARY)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"<{i}>" for i in range(VOCABULARY)])
    writer.add_token_types([1] * VOCABULARY)
    writer.add_file_type(3)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def exported(weights: dict[str, Any], like: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "tiny.gguf"
    write_gguf(weights, heads=4, kv_heads=2, like=like, out=out)
    return out


def test_every_tensor_is_there_in_half_precision_with_its_rows_in_place(
    exported: Path, weights: dict[str, Any]
) -> None:
    import gguf
    import numpy

    read = {tensor.name: tensor.data for tensor in gguf.GGUFReader(str(exported)).tensors}
    assert len(read) == len(weights) - 1  # the head is tied to the embedding

    def separated(rows: Any, heads: int) -> Any:
        """Rows of each head from pairs (a0 b0 a1 b1 ...) back to halves (a0 a1 ... b0 b1 ...)."""
        order = [
            head * size + 2 * pair + half
            for size in [len(rows) // heads]
            for head in range(heads)
            for half in (0, 1)
            for pair in range(size // 2)
        ]
        return rows[order]

    for layer in range(2):
        ours, theirs = f"blk.{layer}", f"model.layers.{layer}"
        expected = {
            "attn_q": separated(read[f"{ours}.attn_q.weight"], 4),
            "attn_k": separated(read[f"{ours}.attn_k.weight"], 2),
            "attn_v": read[f"{ours}.attn_v.weight"],
        }
        for name, values in expected.items():
            original = weights[f"{theirs}.self_attn.{name[-1]}_proj.weight"].numpy()
            assert values.dtype == numpy.float16
            numpy.testing.assert_allclose(values, original, rtol=HALF_PRECISION, atol=1e-6)
    norm = read["blk.1.ffn_norm.weight"]
    assert norm.dtype == numpy.float32
    numpy.testing.assert_array_equal(
        norm, weights["model.layers.1.post_attention_layernorm.weight"].numpy()
    )


def test_metadata_is_carried_over_and_the_file_type_rewritten(exported: Path, like: Path) -> None:
    import gguf

    def metadata(path: Path) -> dict[str, Any]:
        fields = gguf.GGUFReader(str(path)).fields
        return {key: field.contents() for key, field in fields.items() if key[:5] != "GGUF."}

    before, after = metadata(like), metadata(exported)
    assert after == {**before, "general.file_type": int(gguf.LlamaFileType.MOSTLY_F16)}
    assert after["tokenizer.ggml.tokens"][5] == "<5>"


def test_transformers_reads_the_same_model_back(exported: Path, model: Any) -> None:
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    read = AutoModelForCausalLM.from_pretrained(
        exported.parent,
        gguf_file=exported.name,
        dtype=torch.float32,
        quantization_config=GgufConfig(dequantize=True),
    )
    ids = torch.arange(3, 19)[None]
    with torch.inference_mode():
        gap = (read(ids).logits - model(ids).logits).abs().max()
    assert float(gap) < 0.02  # logits of size 5, through two layers of half-precision weights


@pytest.mark.parametrize(
    "name",
    [
        "model.layers.0.self_attn.q_proj.bias",
        "model.layers.0.mlp.router.weight",
        "transformer.h.0.attn.weight",
    ],
)
def test_a_tensor_of_another_architecture_is_refused_and_nothing_is_written(
    weights: dict[str, Any], like: Path, tmp_path: Path, name: str
) -> None:
    foreign = {**weights, name: weights["model.norm.weight"]}
    with pytest.raises(CheckpointError, match=f"no GGUF name for the tensor '{name}'"):
        write_gguf(foreign, heads=4, kv_heads=2, like=like, out=tmp_path / "x.gguf")
    assert list(tmp_path.iterdir()) == []


def test_a_head_of_its_own_is_refused(weights: dict[str, Any], like: Path, tmp_path: Path) -> None:
    untied = {**weights, "lm_head.weight": weights["lm_head.weight"] + 1}
    with pytest.raises(CheckpointError, match="not tied"):
        write_gguf(untied, heads=4, kv_heads=2, like=like, out=tmp_path / "x.gguf")
