// Which problems are shown: by what became of an answer, by two answers, and by words.
// Nothing here touches the document.

const FAILURES = new Set(["checker_timeout", "unsafe", "invalid_gold", "engine_error"]);

/** Every class that an outcome is shown as, in their order, with its letter. */
export const CLASSES = {
  correct: { name: "correct", letter: "✓" },
  wrong: { name: "wrong", letter: "✗" },
  no_answer: { name: "no answer", letter: "–" },
  truncated: { name: "truncated", letter: "…" },
  unparsed: { name: "unparsed", letter: "?" },
  failed: { name: "failed", letter: "!" },
  answered: { name: "not judged", letter: "•" }, // nobody gave a reference
};

/** Return the class that an outcome is shown as. */
export function classOf(outcome) {
  if (FAILURES.has(outcome)) return "failed";
  return outcome === "guessed" ? "no_answer" : outcome;
}

/** A row of the answers: one selector of one column. `answer` is null where it was not asked. */
export function answerOf(problem, view) {
  const answers = problem.answers[view.column];
  if (!answers) return null;
  const chosen = answers.chosen[view.method];
  if (!chosen) return answers.error === null ? null : { answer: null, outcome: "failed", sample: null };
  const [answer, outcome, sample] = chosen;
  return { answer, outcome: answers.error === null ? classOf(outcome) : "failed", sample };
}

/** Return which way a problem flips from one view to another: "gained", "lost" or null. */
export function flipOf(problem, view, other) {
  if (!other) return null;
  const here = answerOf(problem, view)?.outcome;
  const there = answerOf(problem, other)?.outcome;
  if (!here || !there || here === "failed" || there === "failed") return null;
  if ((here === "correct") === (there === "correct")) return null;
  return here === "correct" ? "gained" : "lost";
}

/** The filters, in their order: what each lets through of a problem, given the two views. */
export const FILTERS = {
  all: { name: "All", test: (p, view) => answerOf(p, view) !== null },
  ...Object.fromEntries(
    Object.entries(CLASSES).map(([key, { name }]) => [
      key,
      { name: name[0].toUpperCase() + name.slice(1), test: (p, view) => answerOf(p, view)?.outcome === key },
    ]),
  ),
  gained: { name: "Gained", test: (p, view, other) => flipOf(p, view, other) === "gained", paired: true },
  lost: { name: "Lost", test: (p, view, other) => flipOf(p, view, other) === "lost", paired: true },
  flipped: { name: "Flipped", test: (p, view, other) => flipOf(p, view, other) !== null, paired: true },
  disagree: { name: "Selectors disagree", test: (p, view) => Boolean(p.answers[view.column]?.disagree) },
};

/** Return how many problems each filter lets through. */
export function countAll(problems, view, other) {
  return Object.fromEntries(
    Object.entries(FILTERS).map(([key, { test }]) => [
      key,
      problems.reduce((sum, each) => sum + Number(test(each, view, other)), 0),
    ]),
  );
}

/** Return the text in which a problem is searched for, in lower case. */
export function searchText(problem) {
  const answers = problem.answers.flatMap((each) => Object.values(each?.chosen ?? {}).map(([answer]) => answer));
  return [problem.id, problem.question, problem.gold, problem.family, problem.level, ...answers]
    .filter(Boolean)
    .join("\n")
    .toLowerCase();
}

/** Return the places of the problems that a filter and all words of a search let through. */
export function choose(problems, texts, { filter, words, view, other }) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const { test } = FILTERS[filter];
  const found = [];
  problems.forEach((problem, at) => {
    if (test(problem, view, other) && wanted.every((word) => texts[at].includes(word))) found.push(at);
  });
  return found;
}
