"""Trained Llama weights as a GGUF file, which runs on the embedded model's engine.

Metadata, tokenizer included, is carried over from the GGUF that the weights were trained from;
tensors are stored as F16. GGUF wants the rows of the query and key projections interleaved for its
rotary embedding, where Hugging Face keeps the two halves apart: that permutation is the only
change to the weights.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import CheckpointError, MissingExtraError

if TYPE_CHECKING:
    import torch

_NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_TOP = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
}
_REWRITTEN = {
    "GGUF.version",
    "GGUF.tensor_count",
    "GGUF.kv_count",
    "general.architecture",
    "general.file_type",
}


def write_gguf(
    weights: Mapping[str, torch.Tensor], *, heads: int, kv_heads: int, like: Path, out: Path
) -> None:
    """Write Llama `weights` (Hugging Face names, tied embeddings) as F16 to `out`.

    `like` is the GGUF whose metadata is carried over; a PPM's head is left out. Raises
    CheckpointError for an unknown tensor and for a vocabulary's head of its own.
    """
    try:
        import gguf
    except ImportError as error:
        raise MissingExtraError("writing GGUF files", "gguf", "cpu") from error
    partial = out.with_suffix(f".partial-{os.getpid()}")
    try:
        _write(weights, gguf.GGUFWriter(str(partial), "llama"), (heads, kv_heads), like)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _write(
    weights: Mapping[str, torch.Tensor], writer: Any, heads: tuple[int, int], like: Path
) -> None:
    import gguf

    for key, field in gguf.GGUFReader(str(like)).fields.items():
        if key in _REWRITTEN:
            continue
        kind = field.types[0]
        is_array = kind == gguf.GGUFValueType.ARRAY
        writer.add_key_value(
            key, field.contents(), kind, sub_type=field.types[-1] if is_array else None
        )
    writer.add_file_type(int(gguf.LlamaFileType.MOSTLY_F16))
    for name, tensor in weights.items():
        if name == "lm_head.weight":
            if not tensor.equal(weights["model.embed_tokens.weight"]):
                raise CheckpointError("the head is not tied to the token embedding; cannot export")
            continue
        if name == "score.weight":  # a PPM's head, which reads the states
            continue
        array = tensor.detach().float().cpu().numpy()
        if "q_proj" in name or "k_proj" in name:
            array = _interleave(array, heads[0] if "q_proj" in name else heads[1])
        writer.add_tensor(
            _gguf_name(name), array.astype("float32" if array.ndim == 1 else "float16")
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _gguf_name(name: str) -> str:
    if name in _TOP:
        return _TOP[name]
    parts = name.split(".", 3)
    if len(parts) == 4 and parts[:2] == ["model", "layers"]:
        module = parts[3].removesuffix(".weight")
        if module in _NAMES:
            return f"blk.{parts[2]}.{_NAMES[module]}.weight"
    raise CheckpointError(f"no GGUF name for the tensor {name!r}; only Llama weights are known")


def _interleave(array: Any, heads: int) -> Any:
    rows = array.shape[0] // heads // 2
    return array.reshape(heads, 2, rows, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)
