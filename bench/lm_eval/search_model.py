"""A search as an lm-eval model: `generate_until` returns the text of the chosen trajectory.

What is searched is the document's own question (the first that is there of `question`, `problem`
and their capitalised forms), because the policy has a prompt format of its own: few-shot examples
and instructions of the task do not reach it. A task without such a field is searched by its whole
prompt. The j-th of `repeats` requests for a document is searched under seed + j. Likelihoods are
refused: a search has none.

To each request's arguments, which lm-eval writes to the sample log as `arguments`, a dictionary is
added under `rstar`: of each search its seed, tokens, the path of every finished trajectory in the
tree and that of the chosen one. None of lm-eval's own keys changes.
"""

from __future__ import annotations

import asyncio
import atexit
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from bench.errors import BenchError, UnknownNameError
from bench.harness import Harness
from bench.runner import Search, Selector
from bench.search import Trace, finished
from bench.spec import Resolved, RunSpec, resolve
from bench.types import Problem

QUESTIONS = ("question", "problem", "Question", "Problem")
_NOT_OURS = ("batch_size", "max_batch_size", "device")
"""What lm-eval gives to every model, and a search has no use for."""


class RStarLM(LM):  # type: ignore[misc]
    """The search that its arguments name, the fields of `bench.spec.RunSpec` but for the problems.

    Usable as a context manager; otherwise closed at exit.
    """

    def __init__(
        self,
        policy: str = "smollm2",
        search: str = "mcts",
        selector: str | None = None,
        concurrency: int = 32,
        **options: Any,
    ) -> None:
        """Look up every name; load nothing yet.

        Args:
            policy: name or folder of a policy.
            search: one of `bench.spec.SEARCHES`.
            selector: which of the search's selectors answers; the first if not given.
            concurrency: documents in flight; changes no result.
            options: `ppm`, `rollouts`, `candidates`, `seed`, ... as for `rstar-bench run`.

        Raises BenchError: an unknown name or option, a search without the PPM it needs.
        """
        super().__init__()
        known = {f.name for f in fields(RunSpec)} - {"benchmark", "limit", "errata"}
        given = {key: value for key, value in options.items() if key not in _NOT_OURS}
        for key in given:
            if key not in known:
                raise UnknownNameError("argument of the model rstar", key, known)
        spec = RunSpec(benchmark="lm-eval", policy=policy, search=search, **given)
        self._resolved: Resolved = resolve(spec, problems=())
        selectors = self._resolved.selectors
        if selector is not None and selector not in selectors:
            raise UnknownNameError(f"selector of {search!r}", selector, selectors)
        self._selector: Selector = selectors[selector or next(iter(selectors))]
        self._concurrency = concurrency
        self._runner = asyncio.Runner()
        self._harness = Harness()
        self._search: Search | None = None
        atexit.register(self.close)

    def __enter__(self) -> RStarLM:
        """Return the model itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Stop what was started."""
        self.close()

    def close(self) -> None:
        """Stop engines, PPM and sandbox; a second call does nothing."""
        atexit.unregister(self.close)
        with suppress(RuntimeError):  # the runner is closed already
            self._runner.run(self._harness.__aexit__(None, None, None))
        self._runner.close()

    def get_model_info(self) -> dict[str, Any]:
        """Return what decides the answers, for lm-eval's results file."""
        config = {k: v for k, v in self._resolved.config.items() if k != "benchmark"}
        return {"rstar": config}

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Search every request; return the texts of the chosen trajectories, empty without one."""
        times: Counter[tuple[str | None, int | None]] = Counter()
        todo: list[tuple[Problem, int]] = []
        for request in requests:
            document = (request.task_name, request.doc_id)
            todo.append((_problem(request), self._resolved.spec.seed + times[document]))
            times[document] += 1
        traces = self._runner.run(self._traces(todo))
        texts = []
        notes: dict[int, list[dict[str, Any]]] = {}
        for request, trace in zip(requests, traces, strict=True):
            chosen = self._chosen(trace)
            texts.append("" if chosen is None else trace.text(chosen))
            notes.setdefault(id(request), []).append(_note(trace, chosen))
        for request in {id(request): request for request in requests}.values():
            request.arguments = (*request.args[:2], {"rstar": notes[id(request)]})
        return texts

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Refuse: a search has no likelihood. Raises BenchError."""
        raise BenchError(
            f"task {requests[0].task_name!r} asks for likelihoods, which a search does not have; "
            "choose a task that generates (output_type: generate_until)"
        )

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Refuse, as `loglikelihood`."""
        raise BenchError(
            f"task {requests[0].task_name!r} asks for likelihoods, which a search does not have"
        )

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Return the messages' texts: the policy's own template is applied in the search."""
        return "\n\n".join(message["content"] for message in chat_history)

    @property
    def tokenizer_name(self) -> str:
        """The name that lm-eval's request cache tells models apart by."""
        return f"rstar-{self._resolved.policy.digest}"

    async def _traces(self, todo: Sequence[tuple[Problem, int]]) -> list[Trace]:
        if self._search is None:
            self._search = await self._harness.search(self._resolved)
        slots = asyncio.Semaphore(self._concurrency)
        search = self._search

        async def one(problem: Problem, seed: int) -> Trace:
            async with slots:
                return await search(problem, seed=seed)  # type: ignore[call-arg]

        return list(await asyncio.gather(*(one(problem, seed) for problem, seed in todo)))

    def _chosen(self, trace: Trace) -> int | None:
        choice = self._selector(finished(trace))
        return None if choice is None else trace.finished[choice]


def _problem(request: Instance) -> Problem:
    """Return the document as a problem without an answer: the search must not see it."""
    question = next(
        (request.doc[key] for key in QUESTIONS if isinstance(request.doc.get(key), str)),
        request.args[0],
    )
    identity = f"{request.task_name}-{request.doc_id}"
    return Problem(identity, question, "", str(request.task_name))


def _note(trace: Trace, chosen: int | None) -> dict[str, Any]:
    return {
        "seed": trace.seed,
        "tokens": asdict(trace.usage),
        "nodes": len(trace.nodes),
        "paths": [trace.nodes[index].path for index in trace.finished],
        "chosen": None if chosen is None else trace.nodes[chosen].path,
    }
