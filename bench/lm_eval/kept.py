"""Searches kept in lm-eval's own cache (`--use_cache PATH`): a killed evaluation resumes.

lm-eval's keys know the prompt alone: neither the model nor which of `repeats` it is. Its database
is used, but under keys of our own, made of everything that decides a search; each search is written
when it ends. A database that holds another model's answers is refused, because lm-eval would return
those without asking. Failed searches are not kept: repeating the command tries them again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.model import hash_args

from bench.errors import BenchError
from bench.search import Trace
from bench.types import Problem

_OURS = "rstar:"
_ECHOES = f"{_OURS}echoes"
"""Cache entry that lists the keys under which lm-eval stores our answers a second time. It never
reads them back: its keys hash the request's arguments, to which we add notes afterwards."""


def search_key(configuration: Mapping[str, Any], problem: Problem, seed: int) -> str:
    """Return what makes a search the only one of its kind: equal keys, equal traces."""
    decides = json.dumps([configuration, problem.id, problem.question, seed], sort_keys=True)
    return _OURS + hashlib.sha256(decides.encode()).hexdigest()


class Kept:
    """The searches in lm-eval's database; without one, none."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._database: MutableMapping[str, Any] | None = None

    def open(self, database: MutableMapping[str, Any]) -> None:
        """Use a database from now on. Raises BenchError for one with other models' answers."""
        known = set(database.get(_ECHOES, ()))
        others = [k for k in database if not k.startswith(_OURS) and k not in known]
        if others:
            raise BenchError(
                f"the cache given with --use_cache holds {len(others)} answers of another model, "
                "which lm-eval would take for this one's; give a path of its own"
            )
        self._database = database

    def get(self, key: str) -> Trace | None:
        """Return a search that was made before."""
        stored = None if self._database is None else self._database.get(key)
        return None if stored is None else Trace.from_json(json.loads(stored))

    def put(self, key: str, trace: Trace) -> None:
        """Keep a search."""
        if self._database is not None:
            self._database[key] = json.dumps(trace.to_json())

    def expect_echoes(self, requests: Iterable[Instance]) -> None:
        """Note under which keys lm-eval is about to write the answers to these requests."""
        if self._database is not None:
            echoes = {hash_args("generate_until", request.args) for request in requests}
            self._database[_ECHOES] = sorted(echoes.union(self._database.get(_ECHOES, ())))
