"""A request read: which question, which search, which limits; what cannot be honoured is refused.

Nothing is dropped in silence. A field is honoured, or has a value that changes nothing, or is
refused with a sentence; messages before the last one are not read, which the reply says. The field
`stop` applies to the text of the reply, which it cuts: the search itself ends by its own rules.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import UnknownNameError
from bench.evaluation.spec import Resolved, RunSpec
from bench.knobs import knobs_of
from bench.problems.unlisted import name_question
from bench.search.selection import Selector
from bench.serving.catalogue import Catalogue, read_knob
from bench.serving.errors import RequestError
from bench.serving.settings import ServerSettings
from bench.types import Problem

SERVED = "served"
"""What stands for the benchmark of a question that was asked of a server."""
_READ = frozenset(
    (
        *("model", "messages", "prompt", "search", "problem_id", "seed", "temperature"),
        *("max_tokens", "max_completion_tokens", "stop", "stream", "stream_options"),
    )
)
_LABELS = frozenset(("user", "metadata", "safety_identifier", "prompt_cache_key"))
"""What a client writes for itself; no answer depends on it."""
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "best_of": (1,),
    "top_p": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "echo": (False,),
    "suffix": ("",),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "store": (False,),
}
"""Fields of OpenAI that a search cannot honour, each with the values that ask for nothing."""
_HINTS: Mapping[str, str] = {
    "n": "ask for several answers with several seeds",
    "top_p": "steps are drawn from all tokens",
    "tools": "a search calls none but its own interpreter",
    "logprobs": "a search has no probabilities of its answer",
}
_STOPS = 16
"""Stop strings of a request at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, read."""

    model: str
    """As the request names it."""
    problem: Problem
    resolved: Resolved
    selector: str
    seed: int
    max_tokens: int
    stops: tuple[str, ...]
    is_chat: bool
    stream: bool
    include_usage: bool
    unread: int
    """Messages before the last one, which are not read."""

    @property
    def select(self) -> Selector:
        """The selector that chooses the answer."""
        return self.resolved.selectors[self.selector]

    @property
    def decides(self) -> str:
        """What decides the reply, as a text: equal ones have equal replies."""
        about_runs = ("benchmark", "conventions", "seed")
        search = {k: v for k, v in self.resolved.config.items() if k not in about_runs}
        asked = [self.problem.id, self.problem.question, self.selector, self.seed, self.max_tokens]
        return json.dumps([search, *asked], sort_keys=True)


def read_json(body: bytes) -> dict[str, Any]:
    """Return the object that a request's body is. Raises RequestError."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise RequestError(f"the body is a JSON {_name_kind(found)}; an object is expected")
    # A client spells what is absent as null, too.
    return {name: value for name, value in found.items() if value is not None}


def read_request(
    body: Mapping[str, Any], catalogue: Catalogue, settings: ServerSettings, *, is_chat: bool
) -> Asked:
    """Read a request of chat completions, or of completions. Raises RequestError."""
    _refuse_unknown(body, {"prompt"} if is_chat else {"messages"})
    model = _read_text(body, "model")
    search, number = catalogue.read_model(model)
    question, unread = _read_messages(body) if is_chat else (_read_prompt(body), 0)
    knobs = _read_search(body.get("search", {}))
    named, selector = knobs.pop("name", None), knobs.pop("selector", None)
    search = _agree(search, named, "search.name")
    for name, value in number.items():
        knobs[name] = _agree(value, knobs.get(name), f"search.{name}")
    resolved = catalogue.resolve(
        search,
        knobs,
        temperature=_read_temperature(body),
        max_tokens=settings.max_tokens,
    )
    selectors = resolved.selectors
    chosen = next(iter(selectors)) if selector is None else selector
    if chosen not in selectors:
        unknown = UnknownNameError(f"selector of {resolved.spec.search!r}", str(chosen), selectors)
        raise RequestError(str(unknown), param="search")
    stream = _read_flag(body, "stream")
    return Asked(
        model=model,
        problem=_name_problem(body, question),
        resolved=resolved,
        selector=chosen,
        seed=read_knob(knobs_of(RunSpec)["seed"], body.get("seed", catalogue.spec.seed), "seed"),
        max_tokens=_read_limit(body, settings),
        stops=_read_stops(body),
        is_chat=is_chat,
        stream=stream,
        include_usage=_read_stream_options(body, stream=stream),
        unread=unread,
    )


def _refuse_unknown(body: Mapping[str, Any], misplaced: set[str]) -> None:
    for name, value in body.items():
        if name in misplaced:
            raise RequestError(f"{name!r} belongs to the other of the two routes", param=name)
        if name in _READ or name in _LABELS:
            continue
        if name not in _NEUTRAL:
            known = (*_READ, *_NEUTRAL, *_LABELS)
            raise RequestError(str(UnknownNameError("field", name, known)), param=name)
        if not any(_is_same(value, neutral) for neutral in _NEUTRAL[name]):
            hint = f"; {_HINTS[name]}" if name in _HINTS else ""
            raise RequestError(
                f"{name!r} cannot be honoured by a search{hint}. Leave it out", param=name
            )


def _is_same(value: object, neutral: object) -> bool:
    return value == neutral and isinstance(value, bool) == isinstance(neutral, bool)


def _read_messages(body: Mapping[str, Any]) -> tuple[str, int]:
    """Return the last message, which is the question, and how many are before it."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RequestError("'messages' must be a list with the question as its last message")
    last = messages[-1]
    if not isinstance(last, dict) or last.get("role") != "user":
        raise RequestError(
            "the last of 'messages' must be the user's: it is the question", param="messages"
        )
    return _read_question(last.get("content"), "messages"), len(messages) - 1


def _read_prompt(body: Mapping[str, Any]) -> str:
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        (prompt,) = prompt
    if not isinstance(prompt, str):
        raise RequestError(
            "'prompt' must be one text; several, or numbers of tokens, are not searched",
            param="prompt",
        )
    return _read_question(prompt, "prompt")


def _read_question(content: object, param: str) -> str:
    """Return the text of a message, in one piece or in parts."""
    if isinstance(content, list):
        texts = [part.get("text") if _is_text(part) else None for part in content]
        if not all(isinstance(text, str) for text in texts):
            raise RequestError("only parts of type 'text' are read", param=param)
        content = "\n".join(map(str, texts))
    if not isinstance(content, str) or not content.strip():
        raise RequestError("the question is empty; a text is expected", param=param)
    _require_unicode(content, param)
    return content


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "text"


def _require_unicode(text: str, param: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise RequestError(f"{param!r} holds half of a surrogate pair", param=param) from None


def _name_problem(body: Mapping[str, Any], question: str) -> Problem:
    """Return the question as a problem: seeds are made of its id, as in a run."""
    name = _read_text(body, "problem_id") if "problem_id" in body else name_question(question)
    return Problem(name, question, "", SERVED)


def _read_search(given: object) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise RequestError(
            f"'search' is a JSON {_name_kind(given)}; an object is expected, e.g. "
            '{"name": "mcts", "rollouts": 16}',
            param="search",
        )
    for name in ("name", "selector"):
        if not isinstance(given.get(name, ""), str):
            raise RequestError(f"search.{name} must be a name", param="search")
    return dict(given)


def _agree(of_name: Any, of_body: Any, called: str) -> Any:
    """Return what the model's name or the body says; both may, if they say the same."""
    if of_name is not None and of_body is not None and of_name != of_body:
        raise RequestError(
            f"the model's name says {of_name!r}, and {called} says {of_body!r}; leave one out",
            param="search",
        )
    return of_body if of_name is None else of_name


def _read_temperature(body: Mapping[str, Any]) -> float | None:
    value = body.get("temperature")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RequestError(f"temperature is {value!r}; it must be a number", param="temperature")
    try:
        return float(value)
    except OverflowError:
        raise RequestError("temperature has too many digits", param="temperature") from None


def _read_limit(body: Mapping[str, Any], settings: ServerSettings) -> int:
    """Return how many tokens the search may generate."""
    most = settings.max_tokens
    knob = knobs_of(ServerSettings)["max_tokens"]
    names = [name for name in ("max_completion_tokens", "max_tokens") if name in body]
    given = {name: read_knob(knob, body[name], name) for name in names}
    if len(set(given.values())) > 1:
        raise RequestError("max_tokens and max_completion_tokens differ; leave one out")
    for name, value in given.items():
        if value > most:
            raise RequestError(
                f"{name} is {value}, and a request here may generate {most} tokens; ask for at "
                "most as many",
                param=name,
            )
        return int(value)
    return most


def _read_stops(body: Mapping[str, Any]) -> tuple[str, ...]:
    given = body.get("stop", [])
    stops = [given] if isinstance(given, str) else given
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise RequestError("'stop' must be a text or a list of texts", param="stop")
    if len(stops) > _STOPS:
        raise RequestError(f"'stop' holds more than {_STOPS} texts", param="stop")
    return tuple(stop for stop in stops if stop)


def _read_stream_options(body: Mapping[str, Any], *, stream: bool) -> bool:
    options = body.get("stream_options", {})
    if not isinstance(options, dict):
        raise RequestError("'stream_options' must be an object", param="stream_options")
    if options and not stream:
        raise RequestError("'stream_options' is for \"stream\": true", param="stream_options")
    return _read_flag(options, "include_usage")


def _read_flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise RequestError(f"{name!r} must be true or false", param=name)
    return value


def _read_text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise RequestError(f"{name!r} is missing; a text is expected", param=name)
    _require_unicode(value, name)
    return value


def _name_kind(value: object) -> str:
    match value:
        case list():
            return "list"
        case str():
            return "text"
        case dict():
            return "object"
        case _:
            return "value"
