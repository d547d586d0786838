"""Why a program is not started is said once, however long the chain that it continues."""

from __future__ import annotations

from bench.sandbox import Execution, Status
from bench.sandbox.chain import explain_refusal


def test_a_chain_of_refusals_gives_the_first_reason_and_no_layers_of_it() -> None:
    end = Execution(Status.TIMEOUT, "", "stopped after 0.3 s", 0.3, "while True: pass")
    for number in range(3000):
        said = explain_refusal(f"x = {number}", end)
        assert said == "an ancestor ended with timeout: stopped after 0.3 s"
        end = Execution(Status.REFUSED, "", said, 0.0, f"x = {number}", end)


def test_what_a_good_parent_has_is_no_reason() -> None:
    parent = Execution(Status.OK, "", "", 0.1, "x = 1")
    assert explain_refusal("print(x)", parent) == ""
    assert explain_refusal("'\ud800'", parent).startswith("not UTF-8 text: ")
