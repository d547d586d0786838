r"""Scores all samples that a model gave to one document; the functions that the task YAML names.

Metrics of a document, each a share of its samples (so that lm-eval's mean over documents is pass@1,
whatever `repeats` is):

- `verdict`: accepted by our checker, the metric to quote; `math_verify` and `exact_match` beside it
  for comparison with other reports.
- `truncated`, `no_answer`, `unparsed`: why samples were not accepted, disjoint from each other and
  counted as not correct. `failed`: could not be judged, by no fault of the model (an empty
  reference, a checker out of time, an engine that failed); such samples are left out of `verdict`,
  and a document without any other sample has no `verdict`.
- with more than one sample, `maj@n` (the most frequent answer, the earlier at a tie) and the
  unbiased `pass@k` for k = 2, 4, ... up to n (Chen et al., arXiv 2107.03374).

A search says itself why it has no answer (`bench.lm_eval.unfinished`), and one that failed is left
out of every other metric as well. Of any other model lm-eval does not tell why a generation ended:
a sample without an answer counts as truncated where its end shows it: a box, a formula or a code
block that is never closed, or no end of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from statistics import fmean
from typing import Any

from bench.answers import final_answer
from bench.checkers.panel.hosted import Hosted
from bench.checkers.panel.math_verify_rule import boxed_math_verify_checker
from bench.lm_eval.documents import graded_problem
from bench.lm_eval.unfinished import Unfinished
from bench.runs.grading import judge_now
from bench.search.selection import Finished, select_majority
from bench.stats.subsets import pass_at_k
from bench.types import Outcome, Problem

_ENDS = (".", "!", "?", "$", "}", ")", "]", "`", '"', "。")
_SPACE = re.compile(r"[\s$]+")


def keep_all(resps: Iterable[Sequence[str]], docs: Iterable[Any]) -> list[list[str]]:
    """Return every sample of every document: lm-eval's default filter keeps the first alone."""
    return [list(samples) for samples in resps]


def process_results(doc: Mapping[str, Any], results: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the metrics of a document from its samples, `results[0]`."""
    samples = [results[0]] if isinstance(results[0], str) else list(results[0])
    problem = graded_problem(doc)
    golds = [] if problem.verifier else [problem.answer, *problem.alternatives]
    answers = [final_answer(sample).answer for sample in samples]
    outcomes = [
        _outcome(problem, sample, answer) for sample, answer in zip(samples, answers, strict=True)
    ]
    judged = [outcome for outcome in outcomes if not outcome.is_failure]
    metrics = {
        **{name: _share(outcomes, outcome) for name, outcome in _UNSOLVED.items()},
        "failed": 1 - len(judged) / len(outcomes),
    }
    given = [
        answer
        for answer, outcome in zip(answers, outcomes, strict=True)
        if outcome is not Outcome.ENGINE_ERROR
    ]
    if given and golds:  # what a verifier decides has no reference to be equal to
        metrics["exact_match"] = fmean(_exact(golds, answer) for answer in given)
    accepted = [
        seen for answer in given if golds and (seen := _math_verify(golds, answer)) is not None
    ]
    if accepted:
        metrics["math_verify"] = fmean(accepted)
    if judged:
        metrics["verdict"] = _share(judged, Outcome.CORRECT)
        metrics |= _of_many(answers, outcomes, judged)
    return metrics


_UNSOLVED = {
    "truncated": Outcome.TRUNCATED,
    "no_answer": Outcome.NO_ANSWER,
    "unparsed": Outcome.UNPARSED,
}


def _share(outcomes: Sequence[Outcome], wanted: Outcome) -> float:
    return sum(outcome is wanted for outcome in outcomes) / len(outcomes)


def _of_many(
    answers: Sequence[str | None], outcomes: Sequence[Outcome], judged: Sequence[Outcome]
) -> dict[str, float]:
    """Return maj@n and pass@k; nothing for a single sample."""
    n = len(outcomes)
    if n < 2:
        return {}
    answered = [i for i, answer in enumerate(answers) if answer]
    chosen = select_majority([Finished(answers[i] or "", ()) for i in answered])
    first = None if chosen is None else outcomes[answered[chosen]]
    metrics = {}
    if first is None or not first.is_failure:
        metrics[f"maj@{n}"] = float(first is Outcome.CORRECT)
    correct = sum(outcome is Outcome.CORRECT for outcome in judged)
    if len(judged) == n:  # with fewer, a document would have other ks than its neighbours
        ks = {2**i for i in range(1, n.bit_length()) if 2**i <= n} | {n}
        metrics |= {f"pass@{k}": pass_at_k(n, correct, k) for k in sorted(ks)}
    return metrics


def _outcome(problem: Problem, sample: str, answer: str | None) -> Outcome:
    if problem.verifier is None and not problem.answer.strip():
        return Outcome.INVALID_GOLD
    if isinstance(sample, Unfinished):
        return sample.outcome
    if answer is None:
        return Outcome.TRUNCATED if looks_cut(sample) else Outcome.NO_ANSWER
    return judge_now(problem, answer).outcome


def looks_cut(sample: str) -> bool:
    r"""Whether a text without an answer stops in the middle of something."""
    text = sample.rstrip()
    if not text:
        return False
    box = text.rfind("\\boxed")
    open_box = box >= 0 and text.count("{", box) > text.count("}", box)
    open_code = text.count("```") % 2 == 1
    return open_box or open_code or text.count("$$") % 2 == 1 or not text.endswith(_ENDS)


def _exact(golds: Sequence[str], answer: str | None) -> float:
    """Whether the answer is the reference, white space and dollar signs aside."""
    if answer is None:
        return 0.0
    given = _SPACE.sub("", answer)
    return float(any(bool(gold.strip()) and _SPACE.sub("", gold) == given for gold in golds))


@cache
def _boxed_math_verify() -> Hosted:
    """Return math-verify's process, which ends with this one."""
    return boxed_math_verify_checker()


@lru_cache(maxsize=4096)
def math_verify_accepts(gold: str, answer: str) -> bool | None:
    """Return whether math-verify takes the answer to be the gold; None where it did not finish."""
    verdict = _boxed_math_verify().check(gold, answer)
    return None if verdict.outcome.is_failure else verdict.correct


def _math_verify(golds: Sequence[str], answer: str | None) -> float | None:
    """Whether math-verify accepts the answer; None where it did not finish or there is no gold."""
    if not golds[0].strip():
        return None
    if answer is None:
        return 0.0
    verdicts = [math_verify_accepts(gold, answer) for gold in golds]
    if any(verdicts):
        return 1.0
    return None if None in verdicts else 0.0
