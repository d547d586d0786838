// The views of what is no run: rounds of a training, diffs of checkers, proofs.

import { chart } from "./chart.js";
import { h, put } from "./dom.js";
import { classOf, CLASSES } from "./filters.js";
import { count, percent, pValue } from "./format.js";
import { answer, proof, show } from "./show.js";

/** Return the view of trainings. */
export function trainings(list) {
  return h(
    "div",
    { class: "view summary" },
    list.map((training) =>
      h("section", {}, h("h2", {}, "Training ", show(training.name)), training.tables.map(listing), h("div", { class: "charts" }, training.charts.map(chart))),
    ),
  );
}

function listing(table) {
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": table.title },
    h(
      "table",
      { class: "grid-table" },
      h("thead", {}, h("tr", {}, table.header.map((head) => h("th", { scope: "col" }, show(head))))),
      h("tbody", {}, table.rows.map((row) => h("tr", {}, row.map((cell, at) => h(at ? "td" : "th", at ? {} : { scope: "row" }, show(cell)))))),
    ),
    table.note ? h("p", { class: "note" }, show(table.note)) : null,
  );
}

/** Return the view of diffs of checkers. */
export function diffs(list) {
  return h("div", { class: "view summary" }, list.map(diff));
}

function diff(data) {
  const shown = h("div", { class: "flips" });
  const told = h("p", { class: "told", role: "status" });
  const search = h("input", { type: "search", id: "search", placeholder: "Search names, answers, reasons", "aria-label": "Search flips", oninput: () => refresh() });
  const labelled = data.flips.some((flip) => flip.right);
  const side = h("select", { "aria-label": "Who is right", onchange: () => refresh() }, [["", "every flip"], ["a", `${data.a} is right`], ["b", `${data.b} is right`]].map(([value, name]) => h("option", { value }, name)));
  const texts = data.flips.map((flip) => JSON.stringify(flip).toLowerCase());
  function refresh() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = data.flips.filter((flip, at) => (!side.value || flip.right === side.value) && words.every((word) => texts[at].includes(word)));
    put(told, `${count(found.length)} of ${count(data.flips.length)} flips in ${count(data.asked)} distinct pairs`);
    put(shown, found.map((flip) => flipCard(flip, data)));
  }
  refresh();
  const rows = data.scores.map((score) => [
    score.name,
    String(score.a?.n ?? 0),
    score.a ? `${percent(score.a.estimate)} [${percent(score.a.low)}, ${percent(score.a.high)}]` : "-",
    score.b ? `${percent(score.b.estimate)} [${percent(score.b.low)}, ${percent(score.b.high)}]` : "-",
    score.difference ? `${percent(score.difference.estimate, true)} [${percent(score.difference.low, true)}, ${percent(score.difference.high, true)}]` : "-",
    score.difference ? pValue(score.difference.p) : "-",
    String(score.unjudged),
  ]);
  return h(
    "section",
    {},
    h("h2", {}, "From ", show(data.a), " to ", show(data.b)),
    listing({ title: "Scores", header: ["Score", "n", data.a, data.b, "Change, 95 %", "p", "Failed"], rows, note: "Shares accepted, in percent." }),
    h("div", { class: "flip-head" }, search, labelled ? side : null, told),
    shown,
  );
}

function flipCard(flip, data) {
  const said = (name, verdict, right) =>
    h(
      "div",
      { class: `said-by${right ? " right" : ""}` },
      h("span", { class: "dim" }, show(name), right ? " (right)" : ""),
      h("span", { class: `badge ${classOf(verdict.outcome)}` }, `${CLASSES[classOf(verdict.outcome)].letter} ${CLASSES[classOf(verdict.outcome)].name}`),
      h("span", {}, show(`${verdict.comparer}: ${verdict.reason}`)),
    );
  const label = { true: "labelled equal", false: "labelled unequal" }[flip.equal];
  return h(
    "article",
    { class: "flip" },
    h("h3", {}, show(flip.name), label ? h("span", { class: "tag" }, label) : null),
    h("p", { class: "pair" }, answer(flip.gold), h("span", { class: "dim" }, " against "), answer(flip.prediction)),
    said(data.a, flip.a, flip.right === "a"),
    said(data.b, flip.b, flip.right === "b"),
  );
}

/** Return the view of proofs, each opened when it is asked for. */
export function proofs(page, list, first) {
  const shown = h("div", { class: "proof-list" });
  const told = h("p", { class: "told", role: "status" });
  const search = h("input", { type: "search", id: "search", placeholder: "Search proofs", "aria-label": "Search proofs", oninput: () => refresh() });
  function refresh() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = list.map((line, at) => ({ line, at })).filter(({ line }) => words.every((word) => `${line.id} ${line.brief} ${line.source}`.toLowerCase().includes(word)));
    put(told, `${count(found.length)} of ${count(list.length)} proofs`);
    put(shown, found.map(({ line, at }) => proofCard(page, line, first + at, found.length === 1)));
  }
  refresh();
  return h("div", { class: "view summary" }, h("section", {}, h("h2", {}, "Proofs"), h("div", { class: "flip-head" }, search, told), shown));
}

function proofCard(page, line, at, opened) {
  const body = h("div", { class: "proof-body" }, h("p", { class: "loading" }, "Unpacking …"));
  const details = h("details", { class: "proof-card", open: opened }, h("summary", {}, h("span", { class: "strong" }, show(line.id)), h("span", { class: "dim" }, show(line.brief)), h("span", { class: "dim" }, show(line.source))), body);
  details.addEventListener(
    "toggle",
    async () => {
      const detail = await page.detail(at);
      if (detail) put(body, proof(detail.proof));
    },
    { once: true },
  );
  return details;
}
