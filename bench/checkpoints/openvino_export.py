"""A GGUF file's model as OpenVINO's own files, with its weights widened to fp32.

OpenVINO computes in fp32 here. Given narrower weights it makes a copy in fp32, keeps that, and
beside it a second one in the order that its kernels read. Weights that lie in fp32 in a file are
mapped instead: of them it makes the second copy alone, and the file's pages can go back once it is
made. What is computed is the same, number by number: OpenVINO writes its graph in fp16, and what
that has rounded is put right.

`python -m bench.checkpoints.openvino_export GGUF FOLDER` does it in a process of its own: OpenVINO
writes the graph that it reads out of a GGUF only while it compiles it.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.errors import CheckpointError

MODEL = "openvino_model.xml"
WEIGHTS = "openvino_model.bin"


def write_openvino(file: Path, out: Path) -> None:
    """Write the model of an F16 GGUF file into the folder `out`.

    Raises CheckpointError; OSError: the disk has no room for it, which is twice the file's size.
    """
    command = [sys.executable, "-m", __name__, str(file), str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not (out / MODEL).is_file():
        # OpenVINO speaks of an iostream, and leaves what it had written.
        written = sum(part.stat().st_size for part in out.iterdir())
        if shutil.disk_usage(out).free + written < 2 * file.stat().st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        last = done.stderr.strip().rpartition("\n")[2]
        raise CheckpointError(
            f"OpenVINO could not write {file.name} as its own model (status {done.returncode}): "
            f"{last or 'it said nothing'}"
        )


def _write(file: Path, out: Path) -> None:
    import openvino as ov
    import openvino_genai

    base = _read_exact(file)
    # The graph is written beside the file that it was read from, under this very name.
    link = out / "narrow.gguf"
    link.symlink_to(file.resolve())
    tokenizer = openvino_genai.Tokenizer(str(file))
    scheduler = openvino_genai.SchedulerConfig()
    openvino_genai.ContinuousBatchingPipeline(
        str(link), tokenizer, scheduler, "CPU", enable_save_ov_model=True
    )
    link.unlink()
    narrow = [(out / name).rename(out / f"narrow-{name}") for name in (WEIGHTS, MODEL)]
    model = ov.Core().read_model(str(out / f"narrow-{MODEL}"), str(out / f"narrow-{WEIGHTS}"))
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Convert" and node.get_element_type() == ov.Type.f32:
            source = node.input_value(0).get_node()
            if source.get_type_name() == "Constant" and source.get_element_type() == ov.Type.f16:
                wide = ov.opset13.constant(widen(source.data, base))
                wide.set_friendly_name(source.get_friendly_name())
                node.output(0).replace(wide.output(0))
    ov.save_model(model, str(out / MODEL), compress_to_fp16=False)
    del model
    for each in narrow:
        each.unlink()


def _read_exact(file: Path) -> float:
    """Return the base of a GGUF's rotary embedding, once its fp32 tensors have passed a test.

    OpenVINO writes its graph in fp16, and so they must survive that. Raises CheckpointError.
    """
    import gguf
    import numpy as np

    reader = gguf.GGUFReader(str(file))
    for tensor in reader.tensors:
        if tensor.tensor_type == gguf.GGMLQuantizationType.F32:
            narrow = tensor.data.astype(np.float16)
            if not np.array_equal(narrow.astype(np.float32), tensor.data):
                raise CheckpointError(f"the tensor {tensor.name} has numbers that fp16 has not")
    return float(reader.fields["llama.rope.freq_base"].contents())


def widen(narrow: Any, base: float) -> Any:
    """Return a constant of the graph as it was before it was written in fp16.

    The weights were fp16 themselves, and whole numbers are what they were. The frequencies of the
    rotary embedding are neither, and are computed anew from its `base`, as OpenVINO does. Raises
    CheckpointError: it is something else.
    """
    import numpy as np

    wide = narrow.astype(np.float32)
    if narrow.ndim == 3 and narrow.shape[0] == narrow.shape[2] == 1 < narrow.shape[1]:
        exponents = np.arange(narrow.shape[1], dtype=np.float32) / np.float32(narrow.shape[1])
        powers = (base ** exponents.astype(np.float64)).astype(np.float32)
        wide = (np.float32(1) / powers).reshape(narrow.shape)
    if not np.array_equal(wide.astype(np.float16), narrow):
        raise CheckpointError("the graph's rotary embedding is not the one that was expected")
    if narrow.size == 1 and wide.item() != round(wide.item()):
        raise CheckpointError(f"the graph holds a number that is not known exactly: {wide.item()}")
    return wide


if __name__ == "__main__":
    _write(Path(sys.argv[1]), Path(sys.argv[2]))
