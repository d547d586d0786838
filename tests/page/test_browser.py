"""The page in a real browser: it filters, opens trees, follows the slider and the keyboard.

Slow, and only where there is a Chromium. Every test ends by asking whether the page complained on
its console, asked for any address, or let a model's text become more than text.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.page.pages import write_page
from bench.speed.chromium import Tab, find_chromium, open_tab
from bench.speed.page import make_run
from tests.page.test_pages import REFUTATION, write_training

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_chromium() is None, reason="needs a Chromium"),
]

WIDTHS = (1280, 390)
HOSTILE = (
    "</script><script>window.hacked = 1</script>",
    "<img src=x onerror='window.hacked = 1'>",
    "# [link](javascript:window.hacked=1) \\href{javascript:window.hacked=1}{x}",
    "$\\href{javascript:window.hacked=1}{x} \\style{x:expression(1)}{y} \\unicode{x} x^2$",
    "a\u202eb\u0000c\u200bd\ud800e",
)
TREE = ".outline"
ROWS = "#problem-list .row"


def write_hostile(draw: random.Random, path: str) -> str:
    text = draw.choice(HOSTILE)
    return f"\n# step {path} {text}\nx = '{text}'\n<end_of_step>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    make_run(folder / "a", problems=30, nodes=60, write=write_hostile, policy="<b>one</b>")
    make_run(folder / "b", problems=30, nodes=60, write=write_hostile, seed=1, policy="two")
    make_run(folder / "large", problems=1, nodes=2000, policy="large")
    write_page([folder / "large"], folder / "large.html")
    write_page([folder / "b"], folder / "parts.html", most=20_000)
    return write_page([folder / "a", folder / "b"], folder / "page.html").files[0]


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with open_tab(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def quiet(tab: Tab) -> Iterator[None]:
    tab.complaints.clear()
    tab.asked_for.clear()
    yield
    assert tab.complaints == []
    assert [url for url in tab.asked_for if not url.startswith(("file:", "about:", "data:"))] == []
    assert tab.run("window.hacked ?? null") is None
    assert tab.run("document.querySelectorAll('script:not([type]), img, iframe').length") == 1


def count(tab: Tab, selector: str) -> int:
    return int(tab.run(f"document.querySelectorAll({selector!r}).length"))


def text(tab: Tab, selector: str) -> str:
    return str(tab.run(f"document.querySelector({selector!r}).textContent"))


def set_budget(tab: Tab, budget: int) -> None:
    tab.run(
        "(() => { const slider = document.querySelector('#budget');"
        f"slider.value = {budget}; slider.dispatchEvent(new Event('input')); }})()"
    )


def open_first(tab: Tab, page: Path, **options: object) -> None:
    tab.visit(page, "#/problems/problem-0000", **options)  # type: ignore[arg-type]
    tab.wait("document.querySelector('.trees .step[data-node]')")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_summary_fits_its_screen(tab: Tab, page: Path, width: int) -> None:
    tab.visit(page, "#/summary", width=width)
    tab.wait("document.querySelector('.plot svg .band')")
    assert text(tab, ".results tbody th").startswith("mcts")
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_problems_are_filtered_and_searched(tab: Tab, page: Path, width: int) -> None:
    tab.visit(page, "#/problems", width=width)
    assert count(tab, ROWS) == 30
    wanted = int(text(tab, ".chip.wrong .chip-count"))
    tab.click(".chip.wrong")
    assert count(tab, ROWS) == wanted > 0
    tab.click(".chip.all")
    tab.press("/")
    tab.type("problem-0007")
    assert count(tab, ROWS) == 1
    tab.press("Escape")
    assert count(tab, ROWS) == 30
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_a_tree_follows_the_slider(tab: Tab, page: Path, width: int) -> None:
    open_first(tab, page, width=width)
    assert tab.run("document.querySelector('.opened').offsetWidth > 0")
    whole = text(tab, ".pane-told")
    most = int(tab.run("document.querySelector('#budget').max"))
    set_budget(tab, 0)
    assert "0 candidates" in text(tab, ".pane-told")
    tab.run("document.querySelector('#budget').focus()")
    tab.press("ArrowRight")
    assert 0 < int(tab.run("document.querySelector('#budget').value")) < most
    assert "0 candidates" not in text(tab, ".pane-told")
    set_budget(tab, most)
    assert text(tab, ".pane-told") == whole
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_arrows_go_over_problems_and_steps(tab: Tab, page: Path, width: int) -> None:
    tab.visit(page, "#/problems", width=width)
    tab.run("document.querySelector('#problem-list').focus()")
    tab.press("ArrowDown")
    tab.wait("document.querySelector('.trees .step[data-node]')")
    assert "problem-0000" in tab.run("location.hash")
    if width == 1280:  # on a narrow screen the problem takes the list's place
        tab.press("ArrowDown")
        assert "problem-0001" in tab.run("location.hash")
        tab.wait("document.querySelector('.problem h2')?.textContent.includes('problem-0001')")
        tab.wait("document.querySelector('.trees .step[data-node]')")
    tab.run(f"document.querySelector({TREE!r}).focus()")
    tab.press("Home")
    first = text(tab, ".node h4")
    tab.press("ArrowDown")
    assert text(tab, ".node h4") != first
    tab.press("ArrowUp")
    assert text(tab, ".node h4") == first
    rows = count(tab, f"{TREE} .step")
    tab.press("ArrowLeft")
    assert count(tab, f"{TREE} .step") < rows or "expanded" not in first
    tab.press("Escape")
    tab.press("Escape")
    assert tab.run("location.hash") == "#/problems"


def test_two_runs_stand_side_by_side(tab: Tab, page: Path) -> None:
    open_first(tab, page)
    tab.run(
        "const b = document.querySelectorAll('.tree-bar select')[1];"
        "b.value = b.options[1].value; b.dispatchEvent(new Event('change'))"
    )
    assert count(tab, ".pane") == 2
    tops = tab.run("[...document.querySelectorAll('.pane')].map((p) => p.offsetTop)")
    assert tops[0] == tops[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_rounds_diffs_and_proofs_have_their_views(tab: Tab, tmp_path: Path, width: int) -> None:
    (tmp_path / "one.json").write_text(json.dumps(REFUTATION))
    verdict = {"outcome": "wrong", "comparer": "number", "reason": HOSTILE[0]}
    flip = {"name": HOSTILE[1], "gold": "\\frac{1}{2}", "prediction": HOSTILE[2], "equal": True}
    flip |= {"right": "b", "a": verdict, "b": verdict | {"outcome": "correct"}}
    diff = {
        "kind": "checkers diff",
        "a": "old",
        "b": "new",
        "asked": 1,
        "scores": [],
        "flips": [flip],
    }
    (tmp_path / "diff.json").write_text(json.dumps(diff))
    made = [write_training(tmp_path / "made"), tmp_path / "one.json", tmp_path / "diff.json"]
    page = write_page(made, tmp_path / "page.html").files[0]
    tab.visit(page, "#/training", width=width)
    tab.wait("document.querySelectorAll('.plot svg').length === 4")
    tab.visit(page, "#/checkers", width=width)
    assert count(tab, ".flip") == count(tab, ".flip math") == 1
    tab.press("/")
    tab.type("nowhere")
    assert count(tab, ".flip") == 0
    tab.visit(page, "#/proofs", width=width)
    tab.wait("document.querySelector('.proof-body').textContent.includes('Refuted')")
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")


def test_what_a_model_wrote_is_shown_as_it_is(tab: Tab, page: Path) -> None:
    for number in range(3):
        tab.visit(page, f"#/problems/problem-{number:04}")
        tab.wait("document.querySelector('.trees .step[data-node]')")
        tab.run("document.querySelectorAll('.trees .step[data-node]').forEach((r) => r.click())")
    shown = text(tab, TREE)
    assert "<script>" in shown or "<img" in shown or "javascript:" in shown
    assert count(tab, "a[href^='javascript']") == 0
    assert count(tab, f"{TREE} script, {TREE} img, {TREE} a") == 0


def test_formulas_are_mathml_and_hostile_ones_stay_text(tab: Tab, page: Path) -> None:
    tab.visit(page, "#/problems/problem-0000")
    tab.wait("document.querySelector('.trees .step[data-node]')")
    answer = "[...document.querySelectorAll('.step')].find((r) => r.querySelector('.glyph'))"
    tab.run(f"{answer}.click()")
    assert count(tab, ".node math") == 1


def test_a_tree_of_2000_nodes_opens_with_few_elements(tab: Tab, page: Path) -> None:
    open_first(tab, page.with_name("large.html"))
    assert count(tab, f"{TREE} .step") < 100
    assert "2," in text(tab, ".pane-told") or "1,999" in text(tab, ".pane-told")


def test_a_problem_in_another_file_is_opened_there(tab: Tab, page: Path) -> None:
    tab.visit(page.with_name("parts.html"), "#/problems/problem-0029")
    tab.wait("document.querySelector('.trees .step[data-node]')")
    assert "/parts-" in tab.run("location.pathname")
    assert "problem-0029" in text(tab, ".problem h2")


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_has_the_contrast_of_wcag_aa(tab: Tab, page: Path, dark: bool) -> None:
    for address in ("#/summary", "#/problems/problem-0000"):
        tab.visit(page, address, dark=dark)
        tab.wait("document.querySelector('.results, .trees .step[data-node]')")
        assert tab.run(CONTRAST) == []


CONTRAST = """(() => {
  const read = (colour) => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = read(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return read(getComputedStyle(document.body).backgroundColor);
  };
  const opacity = (node) => {
    let value = 1;
    for (let at = node; at; at = at.parentElement) value *= Number(getComputedStyle(at).opacity);
    return value;
  };
  const faint = new Set();
  for (const node of document.querySelectorAll("main *, .top *")) {
    const says = [...node.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
    if (!says || !node.checkVisibility?.() || node.closest("svg, option, select, .skip")) continue;
    const share = opacity(node);
    const below = ground(node);
    const own = read(getComputedStyle(node).color);
    const ink = own.map((c, at) => c * share + below[at] * (1 - share));
    const [high, low] = [light(ink), light(below)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) faint.add(`${node.tagName}.${node.className} ${ratio.toFixed(2)}`);
  }
  return [...faint];
})()"""
