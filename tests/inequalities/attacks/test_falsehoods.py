"""False statements: of every kind, none twice, each refuted at a rational point."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.inequalities.attacks.falsehoods import CLASSICS, KINDS, Falsehood, make_falsehoods
from bench.inequalities.attacks.soundness import without_guards
from bench.inequalities.attacks.tight_points import TightPoints
from bench.inequalities.budget import Budget
from bench.inequalities.counterexamples import is_counterexample
from bench.inequalities.proving import closing, radicals
from bench.inequalities.proving.closers import orthant, signs
from bench.inequalities.proving.prover import prove
from bench.inequalities.statements import Statement, format_text, hash_up_to_renaming
from bench.inequalities.texts.reading import read_statement

SIMPLEX = read_statement(CLASSICS["simplex"])
SPHERE = read_statement(CLASSICS["sphere"])

CHANGED = {
    "factor": "a*b + b*c + c*a <= 199/600 with a, b, c > 0; a + b + c = 1",
    "addend": "a*b + b*c + c*a + 1/5000 <= 1/3 with a, b, c > 0; a + b + c = 1",
    "constant": "a*b + b*c + c*a <= 4999/15000 with a, b, c > 0; a + b + c = 1",
    "coefficient": "2*a*b + b*c + c*a <= 1/3 with a, b, c > 0; a + b + c = 1",
    "term": "a*b + b*c <= 1/3 with a, b, c > 0; a + b + c = 1",
    "sign": "a*b - b*c + c*a <= 1/3 with a, b, c > 0; a + b + c = 1",
    "exponent": "a*b^2 + b*c + c*a <= 1/3 with a, b, c > 0; a + b + c = 1",
    "hypothesis": "a*b + b*c + c*a <= 1/3 with a, b, c > 0",
    "relation": "a*b + b*c + c*a >= 1/3 with a, b, c > 0; a + b + c = 1",
    "strictness": "a*b + b*c + c*a < 1/3 with a, b, c > 0; a + b + c = 1",
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_change_is_made(kind: str) -> None:
    made = [format_text(changed) for changed in KINDS[kind](SIMPLEX)]
    assert CHANGED[kind] in made
    assert format_text(SIMPLEX) not in made


def make(sources: dict[str, Statement], count: int, seed: int = 1) -> list[Falsehood]:
    return list(make_falsehoods(sources, count, seed))


def test_every_statement_that_is_made_is_refuted_exactly_and_none_comes_twice() -> None:
    made = make({name: read_statement(text) for name, text in CLASSICS.items()}, 20)
    assert Counter(each.kind for each in made) == dict.fromkeys(KINDS, 2)
    assert len({each.source for each in made}) > 10
    assert all(is_counterexample(each.statement, each.point, each.claim) for each in made)
    assert len({hash_up_to_renaming(each.statement) for each in made}) == 20


def test_making_goes_on_where_it_ended_and_depends_on_the_seed_alone() -> None:
    sources = {"simplex": SIMPLEX}
    made = make(sources, 10)
    assert made[:4] + list(make_falsehoods(sources, 10, 1, made[:4])) == made
    assert make(sources, 10) == made != make(sources, 10, seed=2)


def test_nothing_is_made_of_a_statement_that_is_false() -> None:
    assert make({"false": read_statement("a + b <= 1 with a, b > 0")}, 3) == []


def test_a_tightened_constant_is_refuted_where_equality_holds_on_a_sphere() -> None:
    tight = read_statement("a + b + c <= 14999/5000 with a, b, c > 0 and a^2 + b^2 + c^2 = 3")
    found = TightPoints.find(SPHERE).refute(tight)
    assert found is not None
    point, claim = found
    assert is_counterexample(tight, point, claim)
    assert sum(x * x for x in point.values()) == 3


def test_a_true_statement_is_refuted_nowhere() -> None:
    assert TightPoints.find(SPHERE).refute(SPHERE) is None


def test_the_prover_without_guards_finds_no_negative_point_and_gets_them_back() -> None:
    def list_guards() -> list[object]:
        modules = (closing, orthant, signs)
        return [*(module.find_negative_point for module in modules), radicals.SLACK]

    before = list_guards()
    with without_guards():
        assert all(guard is not other for guard, other in zip(list_guards(), before, strict=True))
        assert prove(read_statement("a + b >= 3/2*sqrt(a*b) + 1 with a, b > 0"), Budget(1)) is None
    assert list_guards() == before
