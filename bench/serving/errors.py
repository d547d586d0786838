"""What a request is refused with: a status, and OpenAI's error object.

A search that an engine or the sandbox failed is no empty answer: it is one of these, with a type
that says who failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.errors import BenchError, DeadEngineError, EngineError, RefusedError, SandboxError

INVALID = "invalid_request_error"
DO_NOT_REPEAT = {"x-should-retry": "false"}
"""Tells OpenAI's client, which else asks again after any 5xx, that the same would come of it."""


class RequestError(BenchError):
    """A request that gets no answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = INVALID,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """State what was given and what to do; `kind` is OpenAI's `type`, `param` the field."""
        super().__init__(message)
        self.status, self.kind, self.param, self.code = status, kind, param, code
        self.headers = dict(headers or {})

    def to_json(self) -> dict[str, Any]:
        """Return OpenAI's error object."""
        told = {"message": str(self), "type": self.kind, "param": self.param, "code": self.code}
        return {"error": told}


def explain_failure(error: BenchError) -> RequestError:
    """Return what a request is told whose search ended in an error."""
    match error:
        case RequestError():
            return error
        case RefusedError():
            return RequestError(str(error), code="request_too_large")
        case DeadEngineError():
            return RequestError(str(error), status=503, kind="engine_dead")
        case EngineError():
            return RequestError(str(error), status=500, kind="engine_error")
        case SandboxError():
            return RequestError(str(error), status=500, kind="sandbox_error")
        case _:
            return RequestError(str(error))
