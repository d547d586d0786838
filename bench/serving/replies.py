"""What a search found, as OpenAI's objects: whole, or in the chunks of a stream.

`usage` counts all that the search had the policy read and generate, the chosen trajectory or not.
The field `rstar` beside OpenAI's own says what a plain completion has no place for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.serving.errors import RequestError
from bench.serving.reading import Asked
from bench.serving.searches import Ended, Found
from bench.serving.writing import NOTHING, cut_at_stops, write_solution
from bench.types import Outcome

DONE = "data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """A request with its answer, ready to be told."""

    asked: Asked
    found: Found
    name: str
    """Of the reply: equal for equal requests."""
    tree: str | None
    """The tree's id; None where it is not kept."""
    tree_url: str | None
    created: int
    """Seconds since 1970."""

    @property
    def pieces(self) -> Sequence[str]:
        """The text, a piece for each step."""
        found = self.found
        whole = [NOTHING] if found.end is None else write_solution(found.counted, found.end)
        return cut_at_stops(whole, self.asked.stops)

    @property
    def finish_reason(self) -> str:
        """`length` where tokens, seconds or steps ran out, with or without an answer."""
        cut = self.found.ended is not Ended.FINISHED or self.found.outcome is Outcome.TRUNCATED
        return "length" if cut else "stop"

    @property
    def usage(self) -> dict[str, Any]:
        """All tokens of the search; those that are not of the answer are called reasoning."""
        found = self.found
        return {
            "prompt_tokens": found.prompt_tokens,
            "completion_tokens": found.generated_tokens,
            "total_tokens": found.prompt_tokens + found.generated_tokens,
            "prompt_tokens_details": {"cached_tokens": found.cached_tokens},
            "completion_tokens_details": {
                "reasoning_tokens": found.generated_tokens - found.answer_tokens
            },
        }

    @property
    def about(self) -> dict[str, Any]:
        """The field `rstar`."""
        asked, found = self.asked, self.found
        config = asdict(asked.resolved.search_config)
        given = {name: value for name, value in config.items() if value is not None}
        return {
            "tree": self.tree,
            "tree_url": self.tree_url,
            "answer": found.answer,
            "outcome": "answered" if found.outcome is None else str(found.outcome),
            "reason": found.reason,
            "ended": str(found.ended),
            "search": {"name": asked.resolved.spec.search, **given, "selector": asked.selector},
            "problem_id": asked.problem.id,
            "seed": asked.seed,
            "unread_messages": asked.unread,
            "rollouts": len(found.counted.rollouts),
            "answers": len(found.counted.finished),
            "generated_tokens": found.generated_tokens,
            "ppm_tokens": found.trace.usage.ppm,
            "score": found.score,
            "seconds": round(found.seconds, 3),
            "waited": round(found.waited, 3),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the whole reply."""
        text = "".join(self.pieces)
        if self.asked.is_chat:
            message = {"role": "assistant", "content": text, "refusal": None}
            said: dict[str, Any] = {"message": message}
        else:
            said = {"text": text}
        return {
            **self._head("chat.completion" if self.asked.is_chat else "text_completion"),
            "choices": [
                {"index": 0, **said, "logprobs": None, "finish_reason": self.finish_reason}
            ],
            "usage": self.usage,
            "rstar": self.about,
        }

    def to_events(self) -> Iterator[str]:
        """Yield the reply as server-sent events, the last of which says that it is done."""
        if self.asked.is_chat:
            yield self._event(self._chunk({"delta": {"role": "assistant", "content": ""}}))
        for piece in self.pieces:
            said = {"delta": {"content": piece}} if self.asked.is_chat else {"text": piece}
            yield self._event(self._chunk(said))
        last: dict[str, Any] = {"delta": {}} if self.asked.is_chat else {"text": ""}
        yield self._event({**self._chunk(last, self.finish_reason), "rstar": self.about})
        if self.asked.include_usage:
            yield self._event({**self._chunk(None), "usage": self.usage})
        yield DONE

    def _head(self, kind: str) -> dict[str, Any]:
        prefix = "chatcmpl" if self.asked.is_chat else "cmpl"
        return {
            "id": f"{prefix}-{self.name}",
            "object": kind,
            "created": self.created,
            "model": self.asked.model,
        }

    def _chunk(
        self, said: Mapping[str, Any] | None, finish_reason: str | None = None
    ) -> dict[str, Any]:
        kind = "chat.completion.chunk" if self.asked.is_chat else "text_completion"
        choice = {"index": 0, **(said or {}), "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self.asked.include_usage else {}
        return {**self._head(kind), "choices": [] if said is None else [choice], **usage}

    @staticmethod
    def _event(data: Mapping[str, Any]) -> str:
        return f"data: {json.dumps(data)}\n\n"


def make_reply(asked: Asked, found: Found, name: str, tree: str | None, url: str | None) -> Reply:
    """Return the reply to a request, made now."""
    return Reply(asked, found, name, tree, url, created=int(time.time()))


def tell_failure(error: RequestError) -> Iterator[str]:
    """Yield an error as the events of a stream that has begun."""
    yield f"data: {json.dumps(error.to_json())}\n\n"
    yield DONE
