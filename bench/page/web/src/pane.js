// One run's tree of a problem: what was chosen by now, the map, the outline, and one step in full.

import { h, put } from "./dom.js";
import { classOf, CLASSES } from "./filters.js";
import { count, many } from "./format.js";
import { TreeMap } from "./map.js";
import { Outline } from "./outline.js";
import { answer, show } from "./show.js";
import { describeNode } from "./node.js";
import { formatOf } from "./text.js";

/** A tree with everything around it. */
export class TreePane {
  constructor(problem, column) {
    this.problem = problem;
    this.column = column;
    this.run = problem.columns[column];
    this.answers = problem.data.answers[column];
    this.samples = problem.detail.columns[column].samples;
    this.tree = problem.treeOf(column);
    this.format = formatOf(this.tree.texts[0]);
    this.method = this.run.methods.includes(problem.list.view.method) && problem.list.view.column === column ? problem.list.view.method : Object.keys(this.answers.chosen)[0];
    this.told = h("div", { class: "pane-told" });
    this.node = h("section", { class: "node", "aria-label": "Step", "aria-live": "polite" });
    this.map = new TreeMap(this);
    this.outline = new Outline(this);
    this.element = h("section", { class: "pane", "aria-label": this.run.name }, this.makeHead(), this.map.element, this.makeKey(), h("div", { class: "pane-body" }, this.outline.element, this.node));
  }

  makeHead() {
    const methods = Object.keys(this.answers.chosen);
    const select =
      methods.length > 1
        ? h(
            "select",
            { "aria-label": "Selector whose choice is marked", onchange: (event) => this.setMethod(event.target.value) },
            methods.map((method) => h("option", { value: method, selected: method === this.method }, method)),
          )
        : null;
    return h("header", { class: "pane-head" }, h("h3", {}, show(this.run.name), select ? [" ", select] : null), this.told);
  }

  makeKey() {
    const valued = this.tree.unit === "tokens generated";
    return h(
      "p",
      { class: "map-key" },
      valued ? h("span", {}, "Q −1", h("span", { class: "ramp", "aria-hidden": "true" }), "+1") : null,
      h("span", {}, "larger: visited more"),
      h("span", {}, "□ answer"),
      h("span", {}, "× pruned"),
    );
  }

  setMethod(method) {
    this.method = method;
    this.refresh();
  }

  /** Show the search as it stood when a budget was spent. */
  setBudget(budget) {
    this.events = this.tree.reach(budget);
    this.refresh();
  }

  refresh() {
    const { tree } = this;
    this.state = tree.at(this.events);
    const final = this.answers.chosen[this.method]?.[2] ?? null;
    const sample = tree.chosen(this.method, this.state.rollouts, final);
    const end = sample === null ? null : tree.rollouts[sample];
    this.path = new Set(end === null || end === undefined ? [] : [0, ...tree.lineage(end)]);
    this.selected ??= end ?? (tree.size > 1 ? 1 : 0);
    if (!tree.isBorn(this.selected, this.events)) this.selected = end ?? 0;
    this.tell(sample);
    this.map.draw();
    this.outline.refresh();
    this.showNode();
  }

  tell(sample) {
    const { made, pruned, answers } = this.tree.count(this.events);
    const parts = [many(made, "candidate"), `${count(pruned)} pruned`, many(answers, "answer"), many(this.state.rollouts, "rollout")];
    put(this.told, sample === null ? this.noVerdict() : this.verdict(sample), h("span", { class: "dim" }, parts.join(" · ")));
  }

  noVerdict() {
    const [, outcome] = this.answers.chosen[this.method] ?? [null, "no_answer"];
    const partly = this.state.rollouts < this.tree.rollouts.length;
    if (partly && !(this.method in (this.tree.choices ?? {}))) return null; // not asked on the way
    const key = partly ? null : classOf(outcome);
    return h("span", { class: `badge ${key ?? "none"}` }, key ? `${CLASSES[key].letter} ${CLASSES[key].name}` : "nothing chosen yet");
  }

  verdict(sample) {
    const [text, outcome] = this.samples[sample] ?? [null, "no_answer"];
    const key = classOf(outcome);
    const brief = sample === this.answers.chosen[this.method]?.[2] ? this.answers.chosen[this.method][0] : text;
    return [h("span", { class: `badge ${key}` }, `${CLASSES[key].letter} ${CLASSES[key].name}`), h("span", { class: "chosen-answer" }, answer(brief))];
  }

  select(node, { reveal = true } = {}) {
    this.selected = node;
    if (reveal) this.outline.reveal(node);
    this.map.draw();
    this.outline.mark();
    this.showNode();
  }

  showNode() {
    put(this.node, describeNode(this, this.selected));
  }

  /** Return the outcome of the rollouts that ended at a node, if any: that of the first. */
  outcomeOf(node) {
    const sample = this.tree.rollouts.indexOf(node);
    return sample === -1 ? null : { sample, key: classOf(this.samples[sample]?.[1] ?? "no_answer"), reason: this.samples[sample]?.[4] ?? "" };
  }

  focus() {
    this.outline.list.focus();
  }
}
