// The list of problems: searched, filtered, walked through with the arrows; and the one that is open.

import { h, put } from "./dom.js";
import { answerOf, choose, CLASSES, countAll, FILTERS, searchText } from "./filters.js";
import { count, many } from "./format.js";
import { Problem } from "./problem.js";
import { answer, show } from "./show.js";
import { spellOut } from "./text.js";

/** The view of all problems of some runs. */
export class Problems {
  constructor(page) {
    this.page = page;
    this.runs = page.data.runs;
    this.problems = this.runs.problems;
    this.texts = this.problems.map(searchText);
    this.views = this.runs.columns.flatMap((column, at) =>
      column.methods.map((method) => ({ column: at, method, name: column.labels[method] })),
    );
    this.view = this.chooseBest();
    this.other = this.choosePlain();
    this.filter = "all";
    this.words = "";
    this.open = null; // place among all problems
    this.shown = [];
    this.pane = h("section", { class: "opened", "aria-label": "Problem", tabindex: -1 });
    this.element = h("div", { class: "view problems" }, this.makeList(), this.pane);
    this.refresh();
  }

  /** Return, of the views that most others can be compared with, the one of most right answers. */
  chooseBest(problems = this.problems) {
    const worth = (view) => {
      const asked = problems.filter((problem) => answerOf(problem, view));
      const comparable = this.views.filter((other) => asked.some((problem) => answerOf(problem, other))).length;
      return 1e6 * comparable + asked.filter((problem) => answerOf(problem, view).outcome === "correct").length;
    };
    const worths = this.views.map(worth);
    return this.views[worths.indexOf(Math.max(...worths))];
  }

  /** Return what the best is compared with: a greedy run on its problems, else another on them. */
  choosePlain() {
    const shared = (view) => this.problems.some((problem) => answerOf(problem, view) && answerOf(problem, this.view));
    const others = this.views.filter((view) => view !== this.view && shared(view));
    const apart = others.filter((view) => view.column !== this.view.column);
    return apart.find((view) => view.method === "greedy") ?? apart[0] ?? others[0] ?? null;
  }

  makeList() {
    this.search = h("input", {
      type: "search",
      id: "search",
      placeholder: "Search id, question, answer",
      "aria-label": "Search problems",
      oninput: () => {
        this.words = this.search.value;
        this.refresh();
      },
      onkeydown: (event) => this.onSearchKey(event),
    });
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Filter" });
    this.told = h("p", { class: "told", role: "status" });
    this.list = h("div", {
      class: "list",
      role: "listbox",
      id: "problem-list",
      tabindex: 0,
      "aria-label": "Problems",
      onkeydown: (event) => this.onListKey(event),
      onclick: (event) => {
        const row = event.target.closest(".row");
        if (row) this.page.go(`problems/${encodeURIComponent(this.problems[row.dataset.at].id)}`);
      },
    });
    this.pickers = h("div", { class: "pickers" }, this.makePickers());
    return h(
      "section",
      { class: "listing", "aria-label": "All problems" },
      h("div", { class: "list-head" }, h("div", { class: "search" }, this.search, h("kbd", { "aria-hidden": "true" }, "/")), this.pickers, this.chips, this.told),
      this.list,
    );
  }

  makePicker(label, key, none) {
    const select = h(
      "select",
      {
        onchange: () => {
          this[key] = this.views[select.value] ?? null;
          this.refresh();
        },
      },
      none ? h("option", { value: "", selected: this[key] === null }, "nothing") : null,
      this.views.map((view, at) => h("option", { value: at, selected: view === this[key] }, spellOut(view.name))),
    );
    return h("label", { class: "picker" }, h("span", {}, label), select);
  }

  /** Show what the filter and the search let through. */
  refresh() {
    const counts = countAll(this.problems, this.view, this.other);
    const offered = Object.entries(FILTERS).filter(
      ([key, { paired }]) => key === "all" || key === this.filter || (counts[key] && (!paired || this.other)),
    );
    put(
      this.chips,
      offered.map(([key, { name }]) =>
        h(
          "button",
          { type: "button", class: `chip ${key}`, "data-filter": key, "aria-pressed": String(key === this.filter), onclick: () => this.setFilter(key) },
          key in CLASSES ? h("span", { class: `dot ${key}`, "aria-hidden": "true" }) : null,
          name,
          h("span", { class: "chip-count" }, count(counts[key])),
        ),
      ),
    );
    this.shown = choose(this.problems, this.texts, { filter: this.filter, words: this.words, view: this.view, other: this.other });
    put(this.told, this.shown.length === counts.all ? many(counts.all, "problem") : `${count(this.shown.length)} of ${many(counts.all, "problem")}`);
    put(this.list, this.shown.map((at) => this.makeRow(at)));
    this.mark();
  }

  setFilter(key) {
    this.filter = key;
    this.refresh();
    this.chips.querySelector(`[data-filter="${key}"]`)?.focus();
  }

  makeRow(at) {
    const problem = this.problems[at];
    const here = answerOf(problem, this.view);
    const there = this.other && answerOf(problem, this.other);
    return h(
      "div",
      { class: "row", role: "option", id: `row-${at}`, "data-at": at, "aria-selected": "false" },
      h("span", { class: "glyphs" }, this.other ? glyph(there, `${this.other.name}: `) : null, glyph(here, this.other ? `${this.view.name}: ` : "")),
      h(
        "span",
        { class: "row-main" },
        h("span", { class: "row-question" }, show((problem.question || problem.id).replace(/\s+/g, " ").slice(0, 160))),
        h("span", { class: "row-answer" }, here ? answer(here.answer) : "not asked", problem.gold ? [h("span", { class: "dim" }, " for "), answer(problem.gold)] : null),
      ),
    );
  }

  /** Return the id of the problem of a page that is about one question; null where there are several. */
  get only() {
    return this.runs.table || this.problems.length !== 1 ? null : this.problems[0].id;
  }

  /** Open a problem by its id, or none. */
  show(id) {
    const at = id === null ? null : this.problems.findIndex((problem) => problem.id === id);
    if (at === this.open) return;
    this.open = at === -1 ? null : at;
    if (this.open !== null && !answerOf(this.problems[at], this.view)) this.changeView(this.chooseBest([this.problems[at]]));
    this.element.classList.toggle("has-open", this.open !== null);
    this.mark();
    if (this.open === null) {
      put(this.pane, this.makeEmpty());
      return;
    }
    this.problem = new Problem(this, this.open);
    put(this.pane, this.problem.element);
    this.pane.scrollTop = 0;
    if (matchMedia("(max-width: 800px)").matches) window.scrollTo(0, 0);
  }

  /** Look at another run's answers, as when an address names a problem that this one was not asked. */
  changeView(view) {
    this.view = view;
    this.other = this.choosePlain();
    put(this.pickers, this.makePickers());
    this.refresh();
  }

  makePickers() {
    const others = this.views.length > 1 ? this.makePicker("compared with", "other", true) : null;
    return [this.makePicker("Answers of", "view", false), others];
  }

  makeEmpty() {
    const keys = [["↑ ↓", "walk through problems, or steps of a tree"], ["← →", "close and open a step"], ["/", "search"], ["Esc", "back"]];
    return h("div", { class: "empty" }, h("p", {}, "Choose a problem to see its answers and its tree."), h("dl", { class: "keys" }, keys.map(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])));
  }

  mark() {
    for (const row of this.list.querySelectorAll('[aria-selected="true"]')) row.setAttribute("aria-selected", "false");
    const row = this.open === null ? null : document.getElementById(`row-${this.open}`) ?? this.list.querySelector(`[data-at="${this.open}"]`);
    if (!row) {
      this.list.removeAttribute("aria-activedescendant");
      return;
    }
    row.setAttribute("aria-selected", "true");
    this.list.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  }

  /** Open the problem so many places further on in the list. */
  move(by) {
    if (!this.shown.length) return;
    const here = this.shown.indexOf(this.open);
    const next = here === -1 ? (by > 0 ? 0 : this.shown.length - 1) : Math.max(0, Math.min(this.shown.length - 1, here + by));
    this.page.go(`problems/${encodeURIComponent(this.problems[this.shown[next]].id)}`, { replace: true });
  }

  onListKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
    if (event.key in steps) this.move(steps[event.key]);
    else if (event.key === "Enter" || event.key === "ArrowRight") this.problem?.focus();
    else return;
    event.preventDefault();
  }

  onSearchKey(event) {
    if (event.key === "ArrowDown") this.list.focus();
    else if (event.key === "Enter" && this.shown.length) {
      this.list.focus();
      this.move(this.shown.includes(this.open) ? 0 : 1);
    } else if (event.key === "Escape") {
      if (!this.search.value) this.list.focus();
      this.search.value = this.words = "";
      this.refresh();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Take a key that no part took: search, or back. Return whether it was taken. */
  onKey(event) {
    if (event.key === "/") {
      if (this.open !== null && matchMedia("(max-width: 800px)").matches) this.page.go("problems");
      this.search.focus();
      this.search.select();
      return true;
    }
    if (event.key === "Escape") {
      if (this.open !== null && !this.list.contains(document.activeElement) && matchMedia("(min-width: 801px)").matches) this.list.focus();
      else this.page.go("problems");
      return true;
    }
    return false;
  }
}

function glyph(found, before) {
  const key = found?.outcome ?? "none";
  const name = CLASSES[key]?.name ?? "not asked";
  return h("span", { class: `glyph ${key}`, title: spellOut(before + name), "aria-label": spellOut(before + name), role: "img" }, CLASSES[key]?.letter ?? "·");
}
