"""YAML files that people write, read as keys with values or refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.errors import BenchError


def read_yaml(file: Path, what: str) -> dict[str, Any]:
    """Return the keys of a file with their values; none of an empty file.

    Raises BenchError: it cannot be read, is no YAML, or holds no keys; `what` names it there.
    """
    import yaml

    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        raise BenchError(f"cannot read the {what} {file}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise BenchError(f"the {what} {file} is no YAML: {said}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise BenchError(f"{file}: expected keys with values, found {data!r}")
    return {str(key): value for key, value in data.items()}
