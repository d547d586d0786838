import assert from "node:assert/strict";
import test from "node:test";

import { answerOf, choose, classOf, countAll, flipOf, searchText } from "../src/filters.js";

const view = { column: 0, method: "mcts" };
const other = { column: 1, method: "greedy" };

function problem(id, here, there, more = {}) {
  const answers = (method, outcome) => outcome && { chosen: { [method]: ["7", outcome, 0] }, disagree: false, error: null, ...more };
  return { id, question: `What is ${id}?`, gold: "7", family: null, level: null, answers: [answers("mcts", here), answers("greedy", there)] };
}

const problems = [
  problem("sum", "correct", "wrong"),
  problem("product", "wrong", "correct"),
  problem("root", "correct", "correct", { disagree: true }),
  problem("limit", "unparsed", null),
  problem("crash", "engine_error", "wrong"),
];
const texts = problems.map(searchText);
const pick = (filter, words = "") => choose(problems, texts, { filter, words, view, other }).map((at) => problems[at].id);

test("outcomes of the harness are one class, and a guess is no answer", () => {
  assert.equal(classOf("checker_timeout"), "failed");
  assert.equal(classOf("guessed"), "no_answer");
  assert.equal(classOf("wrong"), "wrong");
});

test("filters let through what they say", () => {
  assert.deepEqual(pick("correct"), ["sum", "root"]);
  assert.deepEqual(pick("unparsed"), ["limit"]);
  assert.deepEqual(pick("failed"), ["crash"]);
  assert.deepEqual(pick("gained"), ["sum"]);
  assert.deepEqual(pick("lost"), ["product"]);
  assert.deepEqual(pick("flipped"), ["sum", "product"]);
  assert.deepEqual(pick("disagree"), ["root"]);
});

test("a search wants every word, in any case", () => {
  assert.deepEqual(pick("all", "WHAT sum"), ["sum"]);
  assert.deepEqual(pick("all", "sum product"), []);
});

test("a failure of the harness is no flip, and nothing flips without another view", () => {
  assert.equal(flipOf(problems[4], view, other), null);
  assert.equal(flipOf(problems[0], view, null), null);
});

test("a problem that was not asked has no answer", () => {
  assert.equal(answerOf(problems[3], other), null);
});

test("every filter is counted", () => {
  const counts = countAll(problems, view, other);
  assert.equal(counts.all, 5);
  assert.equal(counts.correct, 2);
  assert.equal(counts.flipped, 2);
});
