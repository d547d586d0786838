"""Fuzz one target: `python -m tests.faults.fuzz TARGET --seconds 600`; needs atheris (extra fuzz).

Inputs that reached something new are kept in `--corpus`, so that a later run goes on from them. A
broken promise ends the run with status 77 and leaves its input in the working directory.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import tempfile
from pathlib import Path

from tests.faults.fuzz import TARGETS

INPUT_SECONDS = 60
"""After which one input has hung. The longest that a reader allows itself is about half of that."""
MAX_BYTES = 4096
MEMORY = 3000
"""MiB."""


def main() -> None:
    """Read the arguments and hand over to libFuzzer, which ends the process."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600, help="default: 600")
    parser.add_argument("--corpus", type=Path, help="folder of inputs; default: a temporary one")
    given = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("atheris is not installed; pip install 'rstar-bench[fuzz]'")
    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=["bench"]):
        target = importlib.import_module(f"tests.faults.fuzz.{given.target}")
    corpus = given.corpus or Path(tempfile.mkdtemp(prefix=f"fuzz-{given.target}-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate((*target.SEEDS, *target.FOUND)):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    options = {
        "max_total_time": given.seconds,
        "timeout": INPUT_SECONDS,
        "max_len": MAX_BYTES,
        "rss_limit_mb": MEMORY,
        "print_final_stats": 1,
    }
    mutate = getattr(target, "mutate", None)
    atheris.Setup(
        [sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), str(corpus)],
        target.try_input,
        **({} if mutate is None else {"custom_mutator": mutate}),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
