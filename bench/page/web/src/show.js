// Texts as nodes of the document: what cannot be seen is named, formulas are set, code is coloured.

import temml from "temml";

import { h } from "./dom.js";
import { isLatex, spellOut, splitFormulas, splitStep, splitUnseen } from "./text.js";

const LONGEST_FORMULA = 4000;

/** Return a text as nodes, every character visible. */
export function show(text) {
  return splitUnseen(text).map((part) =>
    part.text === undefined
      ? h("span", { class: "unseen", title: `a character that cannot be seen: ${part.unseen}` }, part.unseen)
      : document.createTextNode(part.text),
  );
}

/** Return a formula as MathML; what cannot be read, or is too long, stays as it was written. */
export function formula(latex, { display = false, whole = latex } = {}) {
  const seen = splitUnseen(latex).every((part) => part.unseen === undefined);
  if (seen && latex.length <= LONGEST_FORMULA) {
    try {
      const place = h(display ? "div" : "span", { class: display ? "formula display" : "formula" });
      // Nothing is trusted: no link, class, id or style of a text's own; macros end.
      temml.render(latex, place, { displayMode: display, throwOnError: true, trust: false, maxExpand: 100, maxSize: [40, 40] });
      return place;
    } catch {
      // Falls through: most texts of models that look like TeX are not.
    }
  }
  return h("code", { class: "raw" }, show(whole));
}

/** Return prose with its formulas set. */
export function prose(text) {
  return splitFormulas(text).map((part) =>
    part.formula === undefined ? show(part.text) : formula(part.formula, part),
  );
}

/** Return an answer: set where it is LaTeX, else as it is. */
export function answer(text) {
  if (text === null || text === undefined) return h("span", { class: "dim" }, "none");
  if (isLatex(text)) return h("span", { title: spellOut(text) }, formula(text.replace(/^\$|\$$/g, "")));
  return h("span", { class: "answer" }, show(text));
}

const TOKENS =
  /(#[^\n]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\b(and|as|assert|break|class|continue|def|elif|else|except|False|finally|for|from|if|import|in|is|lambda|None|not|or|pass|raise|return|True|try|while|with|yield)\b|\b(\d+(?:\.\d+)?)\b/g;
const TOKEN_CLASSES = ["comment", "string", "keyword", "number"];

/** Return Python as nodes, its comments, strings, keywords and numbers told apart. */
export function code(text) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(TOKENS)) {
    if (found.index > from) nodes.push(show(text.slice(from, found.index)));
    const kind = TOKEN_CLASSES[found.slice(1).findIndex((group) => group !== undefined)];
    nodes.push(h("span", { class: `token-${kind}` }, show(found[0])));
    from = found.index + found[0].length;
  }
  nodes.push(show(text.slice(from)));
  return nodes;
}

const PART_NAMES = { code: "code", output: "output", answer: "answer", plan: "plan", text: "text", statement: "statement" };

/** Return a step's text as blocks: code, what it printed, its answer. */
export function step(text, format) {
  return splitStep(text, format).map((part) => {
    const name = h("div", { class: "part-name" }, PART_NAMES[part.kind]);
    if (part.kind === "code") return h("div", { class: "part" }, name, h("pre", { class: "code", tabindex: 0 }, code(part.text)));
    if (part.kind === "output") return h("div", { class: "part" }, name, h("pre", { class: "output", tabindex: 0 }, show(part.text)));
    if (part.kind === "statement") return h("div", { class: "part" }, h("pre", { class: "statement", tabindex: 0 }, show(part.text)));
    return h("div", { class: "part" }, name, h("div", { class: "prose" }, prose(part.text)));
  });
}

/** Return a proof: its theorem and the proof of each claim. */
export function proof(found) {
  if (found.missing) return h("p", { class: "note" }, show(found.missing));
  if (found.refuted) {
    const point = Object.entries(found.refuted).map(([name, value]) => `${name} = ${value}`);
    return h("p", {}, h("strong", {}, "Refuted. "), "The statement fails at ", show(point.join(", ")), ".");
  }
  return h(
    "div",
    { class: "proof" },
    h("section", {}, h("h3", {}, "Theorem"), blocks(found.theorem)),
    found.proofs.map(([name, inner]) => h("section", {}, h("h3", {}, "Proof", show(name)), blocks(inner))),
  );
}

function blocks(list) {
  return list.map(([kind, content]) => {
    if (kind === "text") return h("p", {}, content.split("$").map((part, at) => (at % 2 ? formula(part) : show(part))));
    if (kind === "display") return formula(align(content), { display: true });
    return h(kind === "numbered" ? "ol" : "ul", {}, content.map((item) => h("li", {}, blocks(item))));
  });
}

function align(lines) {
  if (lines.length === 1) return lines[0].replaceAll("&", "");
  return `\\begin{aligned}${lines.join(" \\\\ ")}\\end{aligned}`;
}
