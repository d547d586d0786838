"""A model under OpenVINO's runtime with a KV cache of ours, computed row by row.

A row is one token of one sequence. OpenVINO is given every row as a sequence of its own that
generates one token, whether it generates or belongs to a prompt: the attention takes one and the
same kernel for all of them, and finds the keys of earlier rows, those of this very pass included,
by the sequence's table of blocks. Products take one kernel too, as long as there are `FEWEST` rows.
So what comes out of a row depends on the tokens before it in its own sequence, to the last bit, and
neither on its company nor on when those were computed.

That is a property of a library and a processor. It is tried before an engine is used
(`bench.engines.determinism`), and not believed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checkpoints.openvino_export import MODEL
from bench.engines.base import Precision
from bench.engines.memory import BLOCK
from bench.errors import EngineError

CACHES: Mapping[Precision, str] = {"f32": "f16", "bf16": "bf16", "int8": "f16"}
"""What keys and values are kept in, by the precision of products."""
FEWEST = 2
"""Rows of a pass. A product of a single one takes another kernel, which rounds differently."""
TRIED = 512
"""Rows of the widest pass that is tried."""
_IDLE = 0
"""The block that rows write to which nobody asked for."""


def fastest_precision() -> Precision:
    """Return the precision of products that is fastest on this processor."""
    import openvino as ov

    told = ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in told else "f32"


@dataclass(frozen=True, slots=True)
class Row:
    """A token to be computed."""

    token: int
    position: int
    blocks: Sequence[int]
    """Those of its sequence, up to the one that the token belongs to at least."""


@dataclass(frozen=True, slots=True)
class Computed:
    """What was computed of a pass, in fp32; it is written over by the next one."""

    logits: Any
    """Of the next token, shape (rows that are spoken, vocabulary); None where none are made."""
    states: Any
    """Normed, as logits are made of them, shape (rows that are read, hidden)."""


class PagedModel:
    """The weights, and the keys and values of every block."""

    def __init__(
        self, folder: Path, *, precision: Precision, blocks: int, speaks: bool = True
    ) -> None:
        """Read what `bench.checkpoints.openvino_export` wrote, and compile it (seconds).

        A model that does not speak computes no logits. Block 0 is the model's own. Raises
        EngineError: it cannot be loaded.
        """
        import numpy as np
        import openvino as ov

        try:
            from openvino._offline_transformations import paged_attention_transformation
        except ImportError as error:
            raise EngineError(
                f"OpenVINO {ov.__version__} does not lay out attention in blocks as ours is read "
                f"({error}); install the release that pyproject.toml names, or choose --engine "
                "openvino"
            ) from error
        self.precision: Precision = precision
        self._speaks = speaks
        try:
            core = ov.Core()
            model = core.read_model(str(folder / MODEL))
            paged_attention_transformation(model)
            _keep_wanted(ov, model, speaks=speaks)
            if precision == "int8":
                _round_weights(ov, model)
            options = {
                "INFERENCE_PRECISION_HINT": "f32" if precision == "int8" else precision,
                "KV_CACHE_PRECISION": CACHES[precision],
            }
            compiled = core.compile_model(model, "CPU", options)
            self._request: Any = compiled.create_infer_request()
            names = sorted(name for each in compiled.inputs for name in each.names)
            layers = sum(name.startswith("key_cache.") for name in names)
            cache = compiled.input("key_cache.0")
            heads, length, width = (each.get_length() for each in list(cache.partial_shape)[1:])
            if length != BLOCK:
                raise EngineError(f"OpenVINO keeps blocks of {length} tokens, not of {BLOCK}")
            shape = (layers, 2, blocks, heads, BLOCK, width)
            # Two bytes each, of whatever kind. Pages of it are taken when they are first written.
            self._cache: Any = np.zeros(shape, np.uint16)
            for layer in range(layers):
                for half, name in enumerate(("key_cache", "value_cache")):
                    part = ov.Tensor(
                        self._cache[layer, half], ov.Shape(shape[2:]), cache.element_type
                    )
                    self._request.set_tensor(f"{name}.{layer}", part)
        except (RuntimeError, MemoryError) as error:
            raise EngineError(f"OpenVINO cannot load {folder.name}: {error}") from error

    def compute(
        self, rows: Sequence[Row], spoken: Sequence[int] = (), read: Sequence[int] = ()
    ) -> Computed:
        """Compute rows, and write their keys and values into their blocks.

        Rows of one sequence are in the order of their positions. Returns the logits of the rows
        whose numbers are `spoken`, and the states of those that are `read`. Raises RuntimeError:
        OpenVINO failed.
        """
        import numpy as np

        rows = [*rows, *[Row(0, 0, (_IDLE,))] * (FEWEST - len(rows))]
        positions = np.array([row.position for row in rows], np.int32)
        tables = [row.blocks[: row.position // BLOCK + 1] for row in rows]
        begins = np.cumsum([0, *map(len, tables)], dtype=np.int32)
        inputs = {
            "input_ids": np.array([row.token for row in rows], np.int64),
            "position_ids": positions.astype(np.int64),
            "max_context_len": np.array(positions.max() + 1, np.int32),
            "past_lens": positions,
            "subsequence_begins": np.arange(len(rows) + 1, dtype=np.int32),
            "block_indices_begins": begins,
            "block_indices": np.array([each for table in tables for each in table], np.int32),
            "read": np.array([*read] or [0], np.int64),
        }
        if self._speaks:
            inputs["spoken"] = np.array([*spoken] or [0], np.int64)
        found = self._request.infer(inputs, share_inputs=True, share_outputs=True)
        states, *logits = (each.reshape(each.shape[0], -1) for each in found.to_tuple())
        return Computed(logits[0][: len(spoken)] if logits else None, states[: len(read)])

    def treats_rows_alike(self) -> bool:
        """Try whether rows come out equal, bit for bit, in passes of 512, of few, and one by one.

        The first blocks are written over, as many as `TRIED` rows fill.
        """
        import numpy as np

        length = 2 * BLOCK
        rows = [
            Row(1 + (7 * at + 11 * text) % 500, at, (1 + 2 * text, 2 + 2 * text))
            for text in range(TRIED // length)
            for at in range(length)
        ]
        wanted = np.array(self.compute(rows, read=range(len(rows))).states)
        start = 0
        for width in (length, *[1] * 24, 2, 3, 35):  # a text at once, and one bit by bit
            part = range(start, start + width)
            found = self.compute([rows[at] for at in part], read=range(width)).states
            if not np.array_equal(found, wanted[start : start + width]):
                return False
            start += width
        return True

    def copy(self, block: int, to: int) -> None:
        """Copy the keys and values of a block."""
        self._cache[:, :, to] = self._cache[:, :, block]


def _round_weights(ov: Any, model: Any) -> None:
    """Round the weights of products to 8 bits, each output with a scale of its own."""
    import numpy as np

    ops = ov.opset13
    for node in model.get_ordered_ops():
        if node.get_type_name() != "MatMul":
            continue
        weights = node.input_value(1).get_node()
        if weights.get_type_name() == "Constant" and len(weights.shape) == 2:
            wide = weights.data  # (out, in)
            scale = np.maximum(np.abs(wide).max(axis=1, keepdims=True), 1e-12) / np.float32(127)
            narrow = ops.convert(ops.constant(np.rint(wide / scale).astype(np.int8)), ov.Type.f32)
            node.input(1).replace_source_output(ops.multiply(narrow, ops.constant(scale)).output(0))


def _keep_wanted(ov: Any, model: Any, *, speaks: bool) -> None:
    """Let the model give states of the rows that are read, and logits of those that are spoken.

    The states are its first output.
    """
    ops = ov.opset13
    logits = model.outputs[0].get_node()
    vocabulary = logits.input_value(0).get_node()
    before = vocabulary.input_value(0)  # (rows, 1, hidden)

    def gather(name: str) -> Any:
        chosen = ops.parameter([-1], ov.Type.i64, name=name)
        chosen.output(0).set_names({name})
        model.add_parameters([chosen])
        return ops.gather(before, chosen, ops.constant(0, ov.Type.i64))

    read = ops.result(gather("read"))
    if speaks:
        vocabulary.input(0).replace_source_output(gather("spoken").output(0))
        model.remove_result(logits)
        model.add_results([read, logits])
    else:
        model.remove_result(logits)
        model.add_results([read])
    model.validate_nodes_and_infer_types()
