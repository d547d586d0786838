// What a text consists of: characters that cannot be seen, formulas, and the parts of a step.
// Nothing here touches the document.

// C0 and C1 controls but tab and line feed; what has no width or changes the direction; halves of
// surrogate pairs; tags and the private use that fonts draw as nothing.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]|[\ud800-\udfff]/gu;

/** Split a text into runs of characters that can be seen and single ones that cannot. */
export function splitUnseen(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(UNSEEN)) {
    if (found.index > from) parts.push({ text: text.slice(from, found.index) });
    parts.push({ unseen: nameCharacter(found[0]) });
    from = found.index + found[0].length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

/** Return a text for a tooltip or a name, with what cannot be seen named. */
export function spellOut(text) {
  return splitUnseen(text)
    .map((part) => part.text ?? `[${part.unseen}]`)
    .join("");
}

function nameCharacter(character) {
  return `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

const FORMULA =
  /\$\$([^$]+)\$\$|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\)|\$(?=\S)((?:[^$\\]|\\[\s\S])+?)(?<=\S)\$(?!\d)|(\\boxed\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})/g;

/** Split prose into words and formulas: a box is one; a dollar is money unless another follows as in TeX. */
export function splitFormulas(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(FORMULA)) {
    const [whole, dollars, brackets, parentheses, dollar, boxed] = found;
    if (found.index > from) parts.push({ text: text.slice(from, found.index) });
    const display = dollars ?? brackets;
    parts.push({ formula: display ?? parentheses ?? dollar ?? boxed, display: display !== undefined, whole });
    from = found.index + whole.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

/** Whether an answer is LaTeX, so that it is set as a formula. */
export function isLatex(answer) {
  return /\\[a-zA-Z]+|[\^_]\{/.test(answer) && answer.length < 400;
}

const TAGS = {
  "<code>": "code",
  "<end_of_step>": null,
  "<end_of_code>": "text",
  "<output>": "output",
  "<end_of_output>": "back",
  "<answer>": "answer",
  "<end_of_answer>": "text",
  "<plan>": "plan",
  "</plan>": "text",
  "<step>": "plan",
  "</step>": null,
  "<solution>": "text",
  "</solution>": null,
};
const TAG = new RegExp(`(${Object.keys(TAGS).join("|")})`);

/** What a step's text is before its first tag, by how the root of its tree begins. */
export function formatOf(root) {
  if (root.includes("<plan>")) return "plan";
  return root.startsWith("<code>") ? "code" : "statement";
}

/** Split a step into parts: code, output, answer, plan, text or statement, without its tags. */
export function splitStep(text, format) {
  const parts = [];
  let mode = format;
  let before = format;
  for (const piece of text.split(TAG)) {
    if (piece in TAGS) {
      const next = TAGS[piece];
      if (next === "back") mode = before === "output" ? "text" : before;
      else if (next !== null) {
        if (next === "output") before = mode;
        mode = next;
      }
    } else if (piece.trim() !== "") {
      parts.push({ kind: mode, text: piece.replace(/^\n+|\s+$/g, "") });
    }
  }
  return parts;
}

/** Return a step in a line: what it says it does, and what it does. */
export function sumUp(text, format) {
  const parts = splitStep(text, format);
  if (!parts.length) return { says: "", does: "" };
  const says = [];
  const does = [];
  for (const part of parts) {
    const lines = part.text.split("\n").map((line) => line.trim()).filter(Boolean);
    if (part.kind === "code") {
      says.push(...lines.filter((line) => line.startsWith("#")).map((line) => line.replace(/^#+\s*/, "")));
      does.push(...lines.filter((line) => !line.startsWith("#")));
    } else if (part.kind === "output") does.push(`→ ${lines.join(" ")}`);
    else says.push(lines.join(" ").replace(/\\boxed\{([^{}]*)\}/g, "$1"));
  }
  return { says: says.join(" "), does: does.join("; ") };
}
