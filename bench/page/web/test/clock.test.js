import assert from "node:assert/strict";
import test from "node:test";

import { bisectRight, Tree } from "../src/clock.js";

const KINDS = [["root", true], ["step", true], ["answer", true], ["duplicate", false]];

// The root, a step with an answer below it, and the step's copy. Tokens: 5, 3, 2.
function packed() {
  return {
    parents: [-1, 0, 0, 1],
    candidates: [0, 0, 1, 0],
    kinds: [0, 1, 3, 2],
    texts: ["<code>", "a", "a", "b"],
    tokens: [0, 5, 3, 2],
    statuses: {},
    errors: {},
    answers: { 3: "7" },
    logprobs: {},
    rollouts: [3],
    choices: { mcts: [[0, null], [1, 0]] },
    events: {
      kinds: "ggsgsro",
      nodes: [1, 2, 1, 3, 3, 3, 3],
      values: [0, 0, 0.5, 0, -0.25, -0.25, 0],
      generated: [5, 3, 0, 2, 0, 0, 0],
      prompt: [0, 0, 0, 0, 0, 0, 0],
      ppm: [0, 0, 0, 0, 0, 0, 0],
    },
  };
}

test("children, depths and paths follow from the parents", () => {
  const tree = new Tree(packed(), KINDS);
  assert.deepEqual(tree.children, [[1, 2], [3], [], []]);
  assert.deepEqual(tree.paths, ["0", "0.0", "0.1", "0.0.0"]);
  assert.deepEqual(tree.lineage(3), [1, 3]);
  assert.equal(tree.solution(3), "<code>ab");
});

test("a budget pays for the events that cost no more", () => {
  const tree = new Tree(packed(), KINDS);
  assert.equal(tree.budget, 10);
  assert.equal(tree.unit, "tokens generated");
  assert.equal(tree.reach(4), 0);
  assert.equal(tree.reach(5), 1);
  assert.equal(tree.reach(9), 3); // what is free is done at once
  assert.equal(tree.reach(10), 7);
});

test("Q, N and the PPM's values are those of the moment", () => {
  const tree = new Tree(packed(), KINDS);
  const before = tree.at(tree.reach(9));
  assert.deepEqual(before.visits, [0, 0, 0, 0]);
  assert.deepEqual(before.values, [null, 0.5, null, null]);
  const after = tree.at(tree.reach(10));
  assert.deepEqual(after.visits, [1, 1, 0, 1]);
  assert.deepEqual(after.sums, [-0.25, -0.25, 0, -0.25]);
  assert.equal(after.rollouts, 1);
});

test("a node is there once it was generated", () => {
  const tree = new Tree(packed(), KINDS);
  assert.ok(tree.isBorn(0, 0));
  assert.ok(!tree.isBorn(3, 3));
  assert.ok(tree.isBorn(3, 4));
  assert.deepEqual(tree.count(3), { made: 2, pruned: 1, answers: 0 });
  assert.deepEqual(tree.count(7), { made: 3, pruned: 1, answers: 1 });
});

test("what was chosen is the last choice that is known by then", () => {
  const tree = new Tree(packed(), KINDS);
  assert.equal(tree.chosen("mcts", 0, 0), null);
  assert.equal(tree.chosen("mcts", 1, 0), 0);
  assert.equal(tree.chosen("another", 0, 0), null);
});

test("a search that asks no model is counted in nodes", () => {
  const data = packed();
  data.events.generated = data.events.generated.map(() => 0);
  const tree = new Tree(data, KINDS);
  assert.equal(tree.unit, "nodes made");
  assert.equal(tree.budget, 3);
  assert.equal(tree.reach(1), 1);
});

test("a tree without a clock is shown as it ended", () => {
  const { events, ...data } = packed();
  const tree = new Tree({ ...data, values: { 1: 0.5 }, sums: [0, 1, 0, 0], visits: [0, 2, 0, 0] }, KINDS);
  assert.equal(tree.budget, 0);
  assert.ok(tree.isBorn(3, tree.reach(0)));
  assert.deepEqual(tree.at(0).visits, [0, 2, 0, 0]);
  assert.deepEqual(tree.at(0).values, [null, 0.5, null, null]);
});

test("bisection finds the first greater value", () => {
  assert.deepEqual([0, 1, 2, 9].map((number) => bisectRight([1, 1, 3], number)), [0, 2, 2, 3]);
});
