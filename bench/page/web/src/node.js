// One step in full: what it is worth, its text, its code's end, its answer.

import { h } from "./dom.js";
import { CLASSES } from "./filters.js";
import { count, signed } from "./format.js";
import { answer, show, step } from "./show.js";

const WHY = {
  failed_code: "its code did not run",
  no_output: "the program ended without printing anything",
  no_answer: "there is no answer in it",
  cut: "the token limit came before its end",
  stopped: "the model ended the text by itself",
  duplicate: "a sibling already has this text",
  not_first: "another candidate of the expansion finished",
  too_deep: "it is unfinished at the depth limit",
  malformed: "it is not what the format has there",
  refuted: "it is false at a point",
  unproved: "its step found no proof",
  lookahead: "written beyond a candidate to judge it",
};

/** Return a node's description as it was by now. */
export function describeNode(pane, node) {
  const { tree, state, format } = pane;
  const kind = tree.kindNames[node];
  const outcome = pane.outcomeOf(node);
  return [
    h(
      "header",
      { class: "node-head" },
      h("h4", {}, node === 0 ? "Root" : tree.paths[node], h("span", { class: "tag" }, kind.replaceAll("_", " ")), pane.path.has(node) && node ? h("span", { class: "tag chosen" }, "chosen path") : null),
    ),
    tree.valid[node] ? null : h("p", { class: "why" }, "Pruned: ", WHY[kind] ?? kind, "."),
    h("dl", { class: "worth" }, worth(tree, state, node).map(([name, value, title]) => h("div", { title }, h("dt", {}, name), h("dd", {}, show(value))))),
    tree.errors[node] ? h("pre", { class: "error", tabindex: 0 }, show(tree.errors[node])) : null,
    node === 0 && format === "code" ? h("p", { class: "dim" }, "Every solution starts here.") : step(tree.texts[node], format),
    tree.answers[node] !== undefined && !tree.answers[node].startsWith("{") ? h("p", { class: "final" }, h("span", { class: "dim" }, "Answer "), answer(tree.answers[node])) : null,
    outcome ? h("p", { class: "final" }, h("span", { class: `badge ${outcome.key}` }, `${CLASSES[outcome.key].letter} ${CLASSES[outcome.key].name}`), " ", h("span", { class: "dim" }, show(outcome.reason))) : null,
    node > 0 ? solution(tree, node, format) : null,
  ];
}

function worth(tree, state, node) {
  const visits = state.visits[node];
  const logprob = tree.logprobs[node];
  const tokens = tree.tokens[node];
  return [
    visits ? ["Q", signed(state.sums[node] / visits, 3), "mean of the values backed up through this step, by now"] : null,
    visits ? ["N", count(visits), "visits, by now"] : null,
    state.values[node] === null ? null : ["PPM", signed(state.values[node], 3), "the PPM's value of the solution so far, in [−1, 1]"],
    tokens ? ["tokens", count(tokens), "generated for this step"] : null,
    logprob !== undefined && tokens ? ["prior", Math.exp(logprob / tokens).toFixed(3), "geometric mean of its tokens' probabilities"] : null,
    tree.statuses[node] ? ["code", tree.statuses[node], "how its code ended"] : null,
  ].filter(Boolean);
}

function solution(tree, node, format) {
  const body = h("div", { class: "solution" });
  const details = h("details", {}, h("summary", {}, "The solution up to here"), body);
  details.addEventListener("toggle", () => body.append(...step(tree.solution(node), format)), { once: true });
  return details;
}
