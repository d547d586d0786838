import assert from "node:assert/strict";
import test from "node:test";

import { formatOf, isLatex, spellOut, splitFormulas, splitStep, splitUnseen, sumUp } from "../src/text.js";

test("what cannot be seen is named, and what can is left as it is", () => {
  assert.deepEqual(splitUnseen("a\u202eb"), [{ text: "a" }, { unseen: "U+202E" }, { text: "b" }]);
  assert.deepEqual(splitUnseen("tab\tand\nline"), [{ text: "tab\tand\nline" }]);
  assert.equal(spellOut("\u0000\u200b\ufeff\u2066\u001b\ud800"), "[U+0000][U+200B][U+FEFF][U+2066][U+001B][U+D800]");
  assert.deepEqual(splitUnseen("𝒳 é 漢 🙂"), [{ text: "𝒳 é 漢 🙂" }]);
});

test("a dollar is money unless another follows as in TeX", () => {
  assert.deepEqual(splitFormulas("It costs $5 and $6."), [{ text: "It costs $5 and $6." }]);
  assert.deepEqual(
    splitFormulas("If $x^2$ then $$y$$ or \\(z\\)").map((part) => part.formula ?? null),
    [null, "x^2", null, "y", null, "z"],
  );
  assert.equal(splitFormulas("$$y$$")[0].display, true);
  assert.equal(splitFormulas("a $5 b")[0].text, "a $5 b");
  assert.deepEqual(
    splitFormulas("$a$, so \\boxed{\\frac{1}{2}}.").map((part) => part.formula ?? part.text),
    ["a", ", so ", "\\boxed{\\frac{1}{2}}", "."],
  );
});

test("an answer is LaTeX when it holds a command", () => {
  assert.ok(isLatex("\\frac{1}{2}"));
  assert.ok(isLatex("x^{2}"));
  assert.ok(!isLatex("12"));
  assert.ok(!isLatex(`\\frac${"x".repeat(1000)}`));
});

test("a step of a program falls into code, output and answer", () => {
  assert.deepEqual(splitStep("\nprint(x)\n<end_of_code>\n<output>7<end_of_output>\n", "code"), [
    { kind: "code", text: "print(x)" },
    { kind: "output", text: "7" },
  ]);
  assert.deepEqual(splitStep("<answer>\\boxed{7}<end_of_answer>", "code"), [{ kind: "answer", text: "\\boxed{7}" }]);
  // Output that was asked for on the way: the program goes on below it.
  assert.deepEqual(
    splitStep("\na = 1\nprint(a)\n<output>1<end_of_output>\nb = 2\n<end_of_step>", "code").map((part) => part.kind),
    ["code", "output", "code"],
  );
});

test("a step of a plan is a plan, and a state of a proof a statement", () => {
  assert.equal(formatOf("<plan>"), "plan");
  assert.equal(formatOf("<code>"), "code");
  assert.equal(formatOf("a >= b with a, b > 0\n"), "statement");
  assert.deepEqual(splitStep("\n<step>Plan 1: add</step>", "plan"), [{ kind: "plan", text: "Plan 1: add" }]);
  assert.deepEqual(splitStep("\n</plan>\n<solution>\nIt is 3.\n</solution>", "plan"), [{ kind: "text", text: "It is 3." }]);
});

test("a tag that a model made up is text", () => {
  const hostile = "x = 1 # </script><script>alert(1)</script>";
  assert.deepEqual(splitStep(`\n${hostile}\n<end_of_step>`, "code"), [{ kind: "code", text: hostile }]);
});

test("a line says what a step says and what it does", () => {
  assert.deepEqual(sumUp("\n# Add them\na = 1 + 2\nprint(a)\n<end_of_step>", "code"), { says: "Add them", does: "a = 1 + 2; print(a)" });
  assert.deepEqual(sumUp("<answer>\\boxed{7}<end_of_answer>", "code"), { says: "7", does: "" });
  assert.deepEqual(sumUp("", "code"), { says: "", does: "" });
});
