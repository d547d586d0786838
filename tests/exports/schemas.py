"""Every Eval Ever's schemas, and as much of JSON Schema (draft 7) as they are written in."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "every_eval_ever"
_TYPES: Mapping[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
    "null": type(None),
}


def faults_of(data: Any, name: str) -> list[str]:
    """What is wrong with some data by one of the schemas, with its place."""
    schema = json.loads((FOLDER / name).read_text())
    return list(_check(data, schema, schema, "$"))


def _check(data: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    def holds(part: Mapping[str, Any]) -> bool:
        return not list(_check(data, part, root, at))

    if "$ref" in schema:
        yield from _check(data, root["$defs"][schema["$ref"].split("/")[-1]], root, at)
    kinds = schema.get("type", [])
    if kinds and not any(
        _is(data, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)
    ):
        yield f"{at}: {data!r} is no {kinds}"
        return
    if "const" in schema and data != schema["const"]:
        yield f"{at}: {data!r} is not {schema['const']!r}"
    if "enum" in schema and data not in schema["enum"]:
        yield f"{at}: {data!r} is none of {schema['enum']}"
    if "pattern" in schema and not re.search(schema["pattern"], data):
        yield f"{at}: {data!r} does not match"
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    if _is(data, "number") and not low <= data <= high:
        yield f"{at}: {data} is out of range"
    if isinstance(data, list):
        if len(data) < schema.get("minItems", 0):
            yield f"{at}: too few items"
        for number, item in enumerate(data):
            yield from _check(item, schema.get("items", {}), root, f"{at}[{number}]")
    if isinstance(data, dict):
        yield from _check_object(data, schema, root, at)
    if "oneOf" in schema and sum(holds(part) for part in schema["oneOf"]) != 1:
        yield f"{at}: not exactly one of the choices"
    if "not" in schema and holds(schema["not"]):
        yield f"{at}: is what it must not be"
    for part in schema.get("allOf", ()):
        yield from _check(data, part, root, at)
    if "if" in schema:
        then = schema.get("then" if holds(schema["if"]) else "else", {})
        yield from _check(data, then, root, at)


def _check_object(
    data: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str
) -> Iterator[str]:
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for key in schema.get("required", ()):
        if key not in data:
            yield f"{at}: no {key}"
    for key, value in data.items():
        if key not in known and others is False:
            yield f"{at}: {key} is not known"
        else:
            yield from _check(value, known.get(key, others or {}), root, f"{at}.{key}")


def _is(data: Any, kind: str) -> bool:
    if isinstance(data, bool):
        return kind == "boolean"
    return isinstance(data, _TYPES[kind])
