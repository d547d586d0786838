"""A search as an lm-eval model: `generate_until` returns the text of the chosen trajectory.

What is searched is decided by `bench.lm_eval.questions`. The j-th of `repeats` requests for a
document is searched under seed + j. A task's stop strings and generation arguments do not apply:
a search ends by itself, under the budget of its own arguments. Likelihoods are refused.

To each request's arguments, which lm-eval writes to the sample log, a dictionary is added under
`rstar`: of each search its seed, tokens, the path of every finished trajectory in the tree and that
of the chosen one, and why there is none. None of lm-eval's own keys changes; `rstar-bench lm-eval`
lifts the list to a key of its own (`bench.lm_eval.tracker`).

A search that fails in its engine or sandbox is no wrong answer. In our tasks it is counted apart;
for any other task, whose metrics cannot do that, the evaluation stops once the other searches are
done, unless `on_failure=empty` says to hand on an empty text.
"""

from __future__ import annotations

import atexit
import logging
import weakref
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import lm_eval.models  # noqa: F401  (lm-eval registers its own only while nobody else has any)
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM, CacheHook
from lm_eval.api.registry import register_model

from bench.errors import BenchError, EngineError, UnknownNameError
from bench.evaluation.spec import Resolved, resolve
from bench.lm_eval.arguments import read_arguments
from bench.lm_eval.documents import is_document
from bench.lm_eval.kept import search_key
from bench.lm_eval.questions import problem_of, searched_column
from bench.lm_eval.searches import Job, Searches
from bench.lm_eval.unfinished import Unfinished
from bench.runs.grading import explain_nothing
from bench.search import Trace, Usage, list_finished
from bench.search.selection import Selector
from bench.types import Outcome

log = logging.getLogger(__name__)

_NOT_OURS = ("batch_size", "max_batch_size", "device")
"""What lm-eval gives to every model; the engines batch, and choose their device, by themselves."""

_open: weakref.WeakSet[RStarLM] = weakref.WeakSet()


@register_model("rstar")
class RStarLM(LM):  # type: ignore[misc]
    """The search that its arguments name; `bench.lm_eval.arguments` has them.

    Usable as a context manager; otherwise closed at exit.
    """

    def __init__(self, **arguments: Any) -> None:
        """Look up every name; load nothing yet.

        Args:
            arguments: `policy`, `ppm`, `search`, `rollouts`, `candidates`, `seed`, ... as for
                `rstar-bench run`; `selector`: which of the search's selectors answers; `question`:
                the column that is searched; `on_failure`: `stop` or `empty`; `concurrency`.

        Raises BenchError: an unknown name or argument, a wrong value, one that the search does not
        use, a search without the PPM it needs.
        """
        super().__init__()
        given = {name: value for name, value in arguments.items() if name not in _NOT_OURS}
        self.arguments = read_arguments(given)
        self._resolved: Resolved = resolve(self.arguments.spec, problems=())
        selectors = self._resolved.selectors
        self._selector = self.arguments.settings.selector or next(iter(selectors))
        if self._selector not in selectors:
            kind = f"selector of {self.arguments.spec.search!r}"
            raise UnknownNameError(kind, self._selector, selectors)
        self._select: Selector = selectors[self._selector]
        self._searches = Searches(self._resolved, self.arguments.settings.concurrency)
        self._counts: Counter[str] = Counter()
        _open.add(self)

    def __enter__(self) -> RStarLM:
        """Return the model itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Stop what was started."""
        self.close()

    def close(self) -> None:
        """Stop engines, PPM and sandbox; what is asked afterwards starts them again."""
        self._searches.close()

    def get_model_info(self) -> dict[str, Any]:
        """Return what decided the answers and how searches ended, for lm-eval's results file."""
        return {
            "rstar": {
                **self._configuration,
                "seed": self._resolved.spec.seed,
                "selector": self._selector,
                "question": self.arguments.settings.question or "auto",
                "on_failure": self.arguments.settings.on_failure,
                "searches": dict(self._counts),
                **self._searches.notes,
            }
        }

    def set_cache_hook(self, cache_hook: CacheHook) -> None:
        """Keep searches in lm-eval's cache. Raises BenchError where it has others' answers."""
        super().set_cache_hook(cache_hook)
        if cache_hook.dbdict is not None:
            self._searches.kept.open(cache_hook.dbdict)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Search every request; return the texts of the chosen trajectories.

        Where there is none, an `Unfinished` is returned. Raises EngineError where searches failed
        whose task cannot tell that from a wrong answer.
        """
        jobs = self._jobs(requests)
        found = self._searches.run({job.key: job for job in jobs})
        texts: list[str] = []
        notes: dict[int, list[dict[str, Any]]] = {}
        for job in jobs:
            text, note = self._answer(job, found[job.key])
            texts.append(text)
            notes.setdefault(id(job.request), []).append(note)
            self._counts[note["outcome"]] += 1
        self._refuse_failures(jobs, texts)
        for request in {id(request): request for request in requests}.values():
            request.arguments = (*request.args[:2], {"rstar": notes[id(request)]})
        self._searches.kept.expect_echoes(requests)
        return texts

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Refuse: a search has no likelihood. Raises BenchError."""
        raise self._no_likelihood(requests)

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Refuse, as `loglikelihood`. Raises BenchError."""
        raise self._no_likelihood(requests)

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """Return the messages' texts: the policy's own template is applied in the search."""
        return "\n\n".join(message["content"] for message in chat_history)

    @property
    def tokenizer_name(self) -> str:
        """The name that lm-eval's cache of requests tells chat templates apart by."""
        policy = self._resolved.policy
        assert policy is not None, "a search without a policy is no model"
        return f"rstar-{policy.digest}"

    @property
    def _configuration(self) -> dict[str, Any]:
        """What decides a search, but for the problem and the seed."""
        about_problems = ("benchmark", "conventions", "seed")
        return {k: v for k, v in self._resolved.config.items() if k not in about_problems}

    def _jobs(self, requests: Sequence[Instance]) -> list[Job]:
        times: Counter[tuple[Any, ...]] = Counter()
        told: set[str | None] = set()
        jobs = []
        for request in requests:
            column = self.arguments.settings.question or searched_column(request.doc)
            if request.task_name not in told:
                told.add(request.task_name)
                what = "the whole prompt" if column == "prompt" else f"the column {column!r}"
                log.info("%s: %s of each document is searched", request.task_name, what)
            problem = problem_of(request, column)
            document = (request.task_name, request.doc_id, request.idx)
            seed = self._resolved.spec.seed + times[document]
            times[document] += 1
            key = search_key(self._configuration, problem, seed)
            jobs.append(Job(request, column, problem, seed, key))
        return jobs

    def _answer(self, job: Job, found: Trace | BenchError) -> tuple[str, dict[str, Any]]:
        """Return the text for lm-eval, and what the sample log says of the search."""
        note: dict[str, Any] = {"seed": job.seed, "problem": job.problem.id, "searched": job.column}
        usage, nodes, paths, chosen = Usage(), 0, [], None
        if isinstance(found, BenchError):
            text: str = Unfinished(Outcome.ENGINE_ERROR, f"{type(found).__name__}: {found}")
        else:
            usage, nodes = found.usage, len(found.nodes)
            paths = [found.nodes[index].path for index in found.finished]
            choice = self._select(list_finished(found))
            if choice is None:
                text = Unfinished(*explain_nothing(found))
            else:
                chosen = paths[choice]
                text = found.text(found.finished[choice])
        spent = asdict(usage)
        return text, {
            **note,
            "executions": spent.pop("executions"),
            "tokens": spent,
            "nodes": nodes,
            "paths": paths,
            "chosen": chosen,
            "outcome": str(text.outcome) if isinstance(text, Unfinished) else "answered",
            "reason": text.reason if isinstance(text, Unfinished) else "",
        }

    def _refuse_failures(self, jobs: Sequence[Job], texts: Sequence[str]) -> None:
        """Stop where a failure would be scored as a wrong answer."""
        failed = [
            (job, text)
            for job, text in zip(jobs, texts, strict=True)
            if isinstance(text, Unfinished) and text.outcome.is_failure
        ]
        if not failed:
            return
        log.warning("%d of %d searches failed; the sample log says why", len(failed), len(jobs))
        foreign = [(job, text) for job, text in failed if not is_document(job.request.doc)]
        if foreign and self.arguments.settings.on_failure == "stop":
            job, text = foreign[0]
            raise EngineError(
                f"{len(foreign)} of {len(jobs)} searches failed (first: {job.problem.id} of task "
                f"{job.request.task_name!r}: {text.reason}), and this task would score them as "
                "wrong. With --use_cache PATH a repeated command tries only these again; with the "
                "model argument on_failure=empty they are scored as they are"
            )

    def _no_likelihood(self, requests: Sequence[Instance]) -> BenchError:
        return BenchError(
            f"task {requests[0].task_name!r} asks for likelihoods, which a search does not have; "
            "choose a task that generates (output_type: generate_until)"
        )


@atexit.register
def close_all() -> None:
    """Stop what every model of this process has started."""
    for model in list(_open):
        model.close()
