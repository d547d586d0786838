"""Generated inequalities: the true ones hold where they are tried, the false ones fail exactly."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from itertools import islice

import pytest

from bench.inequalities.counterexamples import decide, is_counterexample
from bench.inequalities.statements import hash_up_to_renaming
from bench.inequalities.texts.reading import read_statement
from bench.problems.generated import family_problems, load_embedded
from bench.problems.generated.inequalities import FALSE, FAMILIES, generate


@pytest.mark.parametrize("family", FAMILIES)
def test_a_true_statement_has_equality_at_its_point_and_holds_elsewhere(family: str) -> None:
    for seed in range(12):
        rng = random.Random(f"{family}:{seed}")
        draft = FAMILIES[family](rng)
        names = ", ".join(draft.names)
        text = f"{draft.larger} >= {draft.smaller} {draft.domain.text.format(names=names)}"
        statement = read_statement(text)
        _, left, right = statement.claims[0]
        assert decide(("=", left, right), draft.equal_at) is True, text
        assert all(decide(a, draft.equal_at) is not False for a in statement.assumptions), text
        for _ in range(12):
            point = draft.domain.draw(rng, draft.names)
            assert all(decide(a, point) is not False for a in statement.assumptions), text
            assert decide(statement.claims[0], point) is True, (text, point)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_false_statement_fails_at_its_reference(family: str) -> None:
    rows = list(islice(generate(5, family=family), 80))
    false = [row for row in rows if row.answer]
    assert FALSE / 3 < len(false) / len(rows) < 2 * FALSE
    for row in false:
        answer = json.loads(row.answer)
        point = {name: Fraction(value) for name, value in answer["refuted"].items()}
        assert is_counterexample(read_statement(row.question), point, answer["claim"])


def test_no_problem_of_one_split_is_in_the_other_under_other_names() -> None:
    splits = [
        {
            hash_up_to_renaming(read_statement(problem.question))
            for problem in family_problems("inequalities", "titu", split, 200)
        }
        for split in ("eval", "train")
    ]
    assert [len(split) for split in splits] == [200, 200]
    assert not splits[0] & splits[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_seldom_repeats_itself(family: str) -> None:
    keys = {row.key for row in islice(generate(2, family=family), 100)}
    assert len(keys) > 75


def test_the_tier_is_graded_by_certificates_and_changes_families() -> None:
    problems = load_embedded("embedded-inequalities", 20)
    assert [problem.subject for problem in problems[:10]] == list(FAMILIES)
    for problem in problems:
        assert problem.verifier is not None
        assert problem.verifier.parameters == {"statement": problem.question}
