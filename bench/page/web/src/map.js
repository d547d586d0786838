// The whole tree in a picture: roots left, a column a step; what it is worth by colour, visits by size.
// It is drawn on a canvas, so that thousands of nodes follow the slider; the outline says the same to
// readers of the screen and to the keyboard.

import { hierarchy, tree as tidy } from "d3-hierarchy";

import { h } from "./dom.js";

const SIDE = 14; // pixels around
const LEAST = 90;
const MOST = 320;
const ROOM = 9; // pixels that a leaf would like to have

/** The picture of a pane's tree. */
export class TreeMap {
  constructor(pane) {
    this.pane = pane;
    this.tree = pane.tree;
    this.canvas = h("canvas", { class: "map", "aria-hidden": "true", onclick: (event) => this.onClick(event), onpointermove: (event) => this.onMove(event) });
    this.element = h("div", { class: "map-frame" }, this.canvas);
    this.lay();
    new ResizeObserver(([entry]) => {
      this.width = Math.floor(entry.contentRect.width);
      this.resize();
    }).observe(this.element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.colours = null;
      this.draw();
    });
  }

  /** Give every node its place, both numbers from 0 to 1. */
  lay() {
    const root = hierarchy(0, (node) => this.tree.children[node]);
    tidy().separation((a, b) => (a.parent === b.parent ? 1 : 1.3))(root.count());
    this.across = new Float64Array(this.tree.size);
    this.down = new Float64Array(this.tree.size);
    this.leaves = root.value;
    this.deepest = Math.max(1, root.height);
    root.each((each) => {
      this.across[each.data] = each.depth / this.deepest;
      this.down[each.data] = each.x;
    });
  }

  resize() {
    if (!this.width) return;
    this.height = Math.max(LEAST, Math.min(MOST, this.leaves * ROOM + 2 * SIDE));
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = this.width * scale;
    this.canvas.height = this.height * scale;
    this.canvas.style.height = `${this.height}px`;
    this.draw();
  }

  x(node) {
    const wide = Math.min(this.width - 2 * SIDE, this.deepest * 150);
    return SIDE + this.across[node] * wide;
  }

  y(node) {
    return SIDE + this.down[node] * (this.height - 2 * SIDE);
  }

  draw() {
    if (!this.width || !this.pane.state) return;
    const context = this.canvas.getContext("2d");
    const scale = window.devicePixelRatio || 1;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.colours ??= readColours(this.element);
    const { tree, pane, colours } = this;
    const born = (node) => tree.isBorn(node, pane.events);
    const crowd = Math.min(1, ((this.height - 2 * SIDE) / Math.max(1, this.leaves)) / ROOM);
    this.edges(context, colours.faint, 1, (node) => !born(node));
    this.edges(context, colours.line, 1, (node) => born(node) && !pane.path.has(node));
    this.edges(context, colours.path, 2.5, (node) => born(node) && pane.path.has(node));
    for (let node = 0; node < tree.size; node++) if (born(node) && !tree.valid[node]) this.cross(context, node, crowd);
    for (let node = 0; node < tree.size; node++) if (born(node) && tree.valid[node]) this.dot(context, node, crowd);
    this.ring(context);
  }

  edges(context, colour, width, wanted) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (let node = 1; node < this.tree.size; node++) {
      if (!wanted(node)) continue;
      const parent = this.tree.parents[node];
      const [x0, y0, x1, y1] = [this.x(parent), this.y(parent), this.x(node), this.y(node)];
      context.moveTo(x0, y0);
      context.bezierCurveTo((x0 + x1) / 2, y0, (x0 + x1) / 2, y1, x1, y1);
    }
    context.stroke();
  }

  cross(context, node, crowd) {
    const [x, y, size] = [this.x(node), this.y(node), 1 + 1.5 * crowd];
    context.strokeStyle = this.colours.pruned;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x - size, y - size);
    context.lineTo(x + size, y + size);
    context.moveTo(x - size, y + size);
    context.lineTo(x + size, y - size);
    context.stroke();
  }

  dot(context, node, crowd) {
    const { visits, sums, values } = this.pane.state;
    const worth = visits[node] ? sums[node] / visits[node] : values[node];
    const radius = (1.5 + 1.5 * crowd) + Math.min(4, Math.sqrt(visits[node])) * (0.4 + 0.6 * crowd);
    context.fillStyle = worth === null ? this.colours.unknown : blend(this.colours, worth);
    context.beginPath();
    const outcome = this.tree.kindNames[node] === "answer" ? this.pane.outcomeOf(node) : null;
    const [x, y] = [this.x(node), this.y(node)];
    if (outcome) context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    else context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
    if (outcome) {
      context.strokeStyle = this.colours[outcome.key] ?? this.colours.pruned;
      context.lineWidth = 2;
      context.stroke();
    }
  }

  ring(context) {
    const node = this.pane.selected;
    context.strokeStyle = this.colours.text;
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(this.x(node), this.y(node), 9, 0, 2 * Math.PI);
    context.stroke();
  }

  /** Return the node at a place of the screen, or null. */
  find(event) {
    const frame = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    let best = null;
    let least = 18 ** 2;
    for (let node = 0; node < this.tree.size; node++) {
      if (!this.tree.isBorn(node, this.pane.events)) continue;
      const away = (this.x(node) - x) ** 2 + (this.y(node) - y) ** 2;
      if (away < least) [best, least] = [node, away];
    }
    return best;
  }

  onClick(event) {
    const node = this.find(event);
    if (node !== null) this.pane.select(node);
  }

  onMove(event) {
    this.canvas.style.cursor = this.find(event) === null ? "default" : "pointer";
  }
}

function readColours(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: read("text"),
    line: read("edge"),
    faint: read("edge-faint"),
    path: read("accent"),
    pruned: read("pruned"),
    unknown: read("unknown"),
    low: parse(read("q-low")),
    middle: parse(read("q-middle")),
    high: parse(read("q-high")),
    correct: read("correct"),
    wrong: read("wrong"),
    no_answer: read("no_answer"),
    answered: read("accent"),
    truncated: read("truncated"),
    unparsed: read("unparsed"),
  };
}

function parse(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/** Return the colour of a value in [-1, 1]: small ones are told apart best, since most are. */
function blend({ low, middle, high }, value) {
  const share = Math.min(1, Math.sqrt(Math.abs(value)));
  const end = value < 0 ? low : high;
  return `rgb(${middle.map((from, at) => Math.round(from + share * (end[at] - from))).join(" ")})`;
}
