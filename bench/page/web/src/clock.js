// A stored tree, and what its search had known at any moment of the budget clock.
// The lists of a tree are those of bench/page/trees.py. Nothing here touches the document.

/** A tree with what follows from its lists: children, depths, paths, births, sums over the clock. */
export class Tree {
  constructor(packed, nodeKinds) {
    Object.assign(this, packed);
    this.size = this.parents.length;
    this.valid = this.kinds.map((kind) => nodeKinds[kind][1]);
    this.kindNames = this.kinds.map((kind) => nodeKinds[kind][0]);
    this.children = this.parents.map(() => []);
    this.depths = new Array(this.size).fill(0);
    this.paths = new Array(this.size).fill("0");
    for (let node = 1; node < this.size; node++) {
      const parent = this.parents[node];
      this.children[parent].push(node);
      this.depths[node] = this.depths[parent] + 1;
      this.paths[node] = `${this.paths[parent]}.${this.candidates[node]}`;
    }
    this.readClock();
  }

  readClock() {
    this.births = new Array(this.size).fill(0);
    this.spent = [0]; // after so many events
    this.rolloutEnds = []; // events until a rollout had ended
    this.unit = "tokens generated";
    const clock = this.events;
    if (!clock) return;
    const tokens = clock.generated.reduce((sum, each) => sum + each, 0);
    if (!tokens) this.unit = "nodes made"; // a search that asks no model
    let sum = 0;
    for (let at = 0; at < clock.kinds.length; at++) {
      const born = clock.kinds[at] === "g" && clock.nodes[at] !== 0;
      if (born) this.births[clock.nodes[at]] = at + 1;
      sum += tokens ? clock.generated[at] : Number(born);
      this.spent.push(sum);
      if (clock.kinds[at] === "o") this.rolloutEnds.push(at + 1);
    }
  }

  /** Return what the whole search spent, in its unit. */
  get budget() {
    return this.spent[this.spent.length - 1];
  }

  /** Return how many events a budget pays for. */
  reach(budget) {
    return bisectRight(this.spent, budget) - 1;
  }

  /** Return the nodes from the root, excluded, to a node, included. */
  lineage(node) {
    const line = [];
    for (let at = node; at > 0; at = this.parents[at]) line.push(at);
    return line.reverse();
  }

  /** Return the text of the solution that ends with a node. */
  solution(node) {
    return this.texts[0] + this.lineage(node).map((each) => this.texts[each]).join("");
  }

  /** Return what the search knew after so many events. */
  at(events) {
    const visits = new Array(this.size).fill(0);
    const sums = new Array(this.size).fill(0);
    const values = new Array(this.size).fill(null);
    if (!this.events) {
      for (const [node, value] of Object.entries(this.values ?? {})) values[node] = value;
      return { visits: this.visits ?? visits, sums: this.sums ?? sums, values, rollouts: this.rollouts.length };
    }
    const { kinds, nodes, values: given } = this.events;
    let rollouts = 0;
    for (let at = 0; at < events; at++) {
      const node = nodes[at];
      switch (kinds[at]) {
        case "s":
          values[node] = given[at];
          break;
        case "v":
          sums[node] += given[at];
          visits[node] += 1;
          break;
        case "r":
          for (let up = node; up >= 0; up = this.parents[up]) {
            sums[up] += given[at];
            visits[up] += 1;
          }
          break;
        case "o":
          rollouts += 1;
      }
    }
    return { visits, sums, values, rollouts };
  }

  /** Whether a node had been made after so many events. */
  isBorn(node, events) {
    return this.births[node] <= events;
  }

  /**
   * Return the place of the sample that a selector had chosen after so many rollouts, or null.
   * Choices are known at some budgets: the last one before counts.
   */
  chosen(selector, rollouts, final) {
    if (rollouts >= this.rollouts.length) return final;
    let found = null;
    for (const [done, sample] of this.choices?.[selector] ?? []) {
      if (done <= rollouts) found = sample;
    }
    return found;
  }

  /** Count nodes: all but the root, those discarded, and answers. */
  count(events) {
    let made = 0;
    let pruned = 0;
    let answers = 0;
    for (let node = 1; node < this.size; node++) {
      if (!this.isBorn(node, events)) continue;
      made += 1;
      if (!this.valid[node]) pruned += 1;
      if (this.kindNames[node] === "answer") answers += 1;
    }
    return { made, pruned, answers };
  }
}

/** Return the first place whose value is greater than a number, in a list that does not fall. */
export function bisectRight(list, number) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}
