// The tree as rows: only those in sight are elements, so thousands of nodes cost what thirty do.

import { h, put } from "./dom.js";
import { CLASSES } from "./filters.js";
import { count, signed } from "./format.js";
import { show } from "./show.js";
import { sumUp } from "./text.js";

const ROW = 28; // pixels, as in page.css
const OPEN_UP_TO = 150; // nodes of a tree that is shown whole at first
const SPARE = 8; // rows beyond those in sight
const LONGEST = 200; // characters of a row

let ids = 0;

/** The rows of a pane's tree. */
export class Outline {
  constructor(pane) {
    this.pane = pane;
    this.tree = pane.tree;
    this.id = `outline-${ids++}`;
    this.open = new Set(this.tree.size <= OPEN_UP_TO ? this.tree.parents.keys() : [0]);
    this.rows = [];
    this.labels = new Map();
    this.space = h("div", { class: "rows", role: "presentation" });
    this.list = h(
      "div",
      {
        class: "outline",
        role: "tree",
        tabindex: 0,
        id: this.id,
        "aria-label": `Steps of ${pane.run.name}`,
        onscroll: () => this.draw(),
        onkeydown: (event) => this.onKey(event),
        onclick: (event) => this.onClick(event),
      },
      this.space,
    );
    const { tree } = this;
    const bare = !tree.budget || tree.unit !== "tokens generated"; // a search without a model
    const heads = [["q", "Q"], ["n", "N"], ["ppm", "PPM"], ["tokens", "tok."]].map(([key, head]) => h("span", { class: `step-${key}` }, head));
    this.element = h(
      "div",
      { class: `outline-frame${bare ? " bare" : ""}` },
      bare ? null : h("div", { class: "step step-heads", "aria-hidden": "true" }, h("span", { class: "step-text" }, "Step"), heads),
      this.list,
    );
    new ResizeObserver(() => this.draw()).observe(this.list);
  }

  /** List the rows anew: nodes were made or forgotten, or opened. */
  refresh() {
    if (!this.begun) {
      for (const node of this.pane.path) this.open.add(node);
      this.begun = true;
    }
    this.rows = [];
    const stack = [...this.tree.children[0]].reverse();
    if (!stack.length) stack.push(0);
    while (stack.length) {
      const node = stack.pop();
      if (!this.tree.isBorn(node, this.pane.events)) continue;
      this.rows.push(node);
      if (node && this.open.has(node)) {
        const below = this.tree.children[node];
        for (let at = below.length - 1; at >= 0; at--) stack.push(below[at]);
      }
    }
    this.places = new Map(this.rows.map((node, at) => [node, at]));
    // It never shrinks while the slider moves: what is below would jump.
    this.tallest = Math.max(this.tallest ?? 0, this.rows.length);
    this.space.style.height = `${this.rows.length * ROW}px`;
    this.list.style.height = `${this.tallest * ROW + 2}px`;
    this.drawn = null;
    this.draw();
  }

  draw() {
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW) - SPARE);
    const many = Math.ceil((this.list.clientHeight || 420) / ROW) + 2 * SPARE;
    const key = `${first}:${many}`;
    if (this.drawn === key) return;
    this.drawn = key;
    put(this.space, this.rows.slice(first, first + many).map((node, at) => this.makeRow(node, first + at)));
    this.mark();
  }

  makeRow(node, at) {
    const { tree, pane } = this;
    const { visits, sums, values } = pane.state;
    const below = tree.children[node].filter((child) => tree.isBorn(child, pane.events)).length;
    const opened = this.open.has(node);
    const outcome = pane.outcomeOf(node);
    const label = this.label(node);
    const pruned = !tree.valid[node];
    return h(
      "div",
      {
        class: `step${pane.path.has(node) ? " on-path" : ""}${pruned ? " pruned" : ""}`,
        role: "treeitem",
        id: `${this.id}-${node}`,
        "data-node": node,
        "aria-level": tree.depths[node],
        "aria-expanded": below ? String(opened) : null,
        "aria-selected": "false",
        style: { top: `${at * ROW}px` },
      },
      h("span", { class: "step-text", style: { "padding-left": `${Math.min(tree.depths[node] - 1, 16) * 14}px` } },
        h("span", { class: "twist", "aria-hidden": "true" }, below ? (opened ? "▾" : "▸") : ""),
        outcome && tree.kindNames[node] === "answer" ? h("span", { class: `glyph small ${outcome.key}`, title: CLASSES[outcome.key].name }, CLASSES[outcome.key].letter) : null,
        pruned ? h("span", { class: "pruned-tag" }, tree.kindNames[node].replaceAll("_", " ")) : null,
        label.says ? h("span", { class: "says" }, show(label.says)) : null,
        label.does ? h("span", { class: "does" }, show(label.does)) : null,
        below && !opened ? h("span", { class: "below" }, `+${count(below)}`) : null,
      ),
      h("span", { class: "step-q" }, visits[node] ? bar(sums[node] / visits[node]) : null, h("span", {}, visits[node] ? signed(sums[node] / visits[node]) : "")),
      h("span", { class: "step-n" }, visits[node] ? count(visits[node]) : ""),
      h("span", { class: "step-ppm" }, values[node] === null ? "" : signed(values[node])),
      h("span", { class: "step-tokens" }, tree.tokens[node] ? count(tree.tokens[node]) : ""),
    );
  }

  label(node) {
    let found = this.labels.get(node);
    if (!found) {
      const { says, does } = sumUp(this.tree.texts[node].slice(0, 4 * LONGEST), this.pane.format);
      found = { says: says.slice(0, LONGEST), does: does.slice(0, LONGEST) };
      if (!says && !does) found.says = node ? "(empty)" : "root";
      this.labels.set(node, found);
    }
    return found;
  }

  mark() {
    for (const row of this.space.querySelectorAll('[aria-selected="true"]')) row.setAttribute("aria-selected", "false");
    const row = document.getElementById(`${this.id}-${this.pane.selected}`) ?? this.space.querySelector(`[data-node="${this.pane.selected}"]`);
    row?.setAttribute("aria-selected", "true");
    if (row) this.list.setAttribute("aria-activedescendant", row.id);
    else this.list.removeAttribute("aria-activedescendant");
  }

  /** Open what is above a node, and bring its row into sight. */
  reveal(node) {
    let changed = false;
    for (const above of this.tree.lineage(node).slice(0, -1)) {
      changed ||= !this.open.has(above);
      this.open.add(above);
    }
    if (changed) this.refresh();
    const at = this.places.get(node);
    if (at === undefined) return;
    const top = at * ROW;
    const { scrollTop, clientHeight } = this.list;
    if (top < scrollTop) this.list.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.list.scrollTop = top + ROW - clientHeight;
    this.draw();
  }

  onClick(event) {
    const row = event.target.closest(".step");
    if (!row) return;
    const node = Number(row.dataset.node);
    if (event.target.closest(".twist") || (node === this.pane.selected && this.tree.children[node].length)) this.toggle(node);
    this.pane.select(node, { reveal: false });
  }

  toggle(node) {
    if (!this.open.delete(node)) this.open.add(node);
    this.refresh();
  }

  onKey(event) {
    const node = this.pane.selected;
    const at = this.places.get(node) ?? -1;
    const page = Math.max(1, Math.floor(this.list.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      const next = this.rows[Math.max(0, Math.min(this.rows.length - 1, at + steps[event.key]))];
      if (next !== undefined) this.pane.select(next);
    } else if (event.key === "ArrowRight") this.goIn(node);
    else if (event.key === "ArrowLeft") this.goOut(node);
    else if (event.key === "Enter" || event.key === " ") this.toggle(node);
    else return;
    event.preventDefault();
  }

  goIn(node) {
    const below = this.tree.children[node].filter((child) => this.tree.isBorn(child, this.pane.events));
    if (!below.length) return;
    if (this.open.has(node)) this.pane.select(below[0]);
    else this.toggle(node);
  }

  goOut(node) {
    if (this.open.has(node) && this.tree.children[node].length) this.toggle(node);
    else if (this.tree.parents[node] > 0) this.pane.select(this.tree.parents[node]);
  }
}

/** A mark of a value in [-1, 1], left or right of the middle. */
function bar(value) {
  const width = Math.min(1, Math.abs(value)) * 50;
  const side = value < 0 ? "negative" : "positive";
  return h("span", { class: "q-bar", "aria-hidden": "true" }, h("span", { class: side, style: { width: `${width}%` } }));
}
