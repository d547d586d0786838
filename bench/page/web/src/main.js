// The page: its data, its views, and the address that says what is open.

import { h, put } from "./dom.js";
import { diffs, proofs, trainings } from "./others.js";
import { Problems } from "./problems.js";
import { show } from "./show.js";
import { summary } from "./summary.js";

class Page {
  constructor(data) {
    this.data = data;
    this.sideBySide = false;
    this.details = new Map();
    this.views = this.makeViews();
    this.main = h("main", { id: "main", tabindex: -1 });
    this.tabs = Object.entries(this.views).map(([key, { name, many }]) =>
      h("a", { class: "tab", href: `#/${key}`, "data-view": key }, name, many === undefined ? null : h("span", { class: "tab-count" }, many.toLocaleString("en-GB"))),
    );
    document.body.append(
      h("a", { class: "skip", href: "#main", onclick: (event) => this.skip(event) }, "Skip to the content"),
      h("header", { class: "top" }, h("h1", {}, show(data.title)), h("nav", { "aria-label": "Views" }, this.tabs), h("span", { class: "made-by" }, `rstar-bench ${data.version}`)),
      this.main,
    );
    window.addEventListener("hashchange", () => this.route());
    document.addEventListener("keydown", (event) => this.onKey(event));
    this.route();
  }

  makeViews() {
    const { runs, trainings: rounds, diffs: found, proofs: proved } = this.data;
    const views = {};
    if (runs) {
      if (runs.table) views.summary = { name: "Summary", make: () => summary(runs) };
      views.problems = { name: "Problems", many: runs.problems.length, make: () => (this.problems = new Problems(this)).element };
    }
    if (rounds) views.training = { name: "Training", make: () => trainings(rounds) };
    if (found) views.checkers = { name: "Checkers", make: () => diffs(found) };
    if (proved) views.proofs = { name: "Proofs", many: proved.length, make: () => proofs(this, proved, runs?.problems.length ?? 0) };
    return views;
  }

  /** Open an address of this page; `replace` leaves no step to go back to. */
  go(address, { replace = false } = {}) {
    if (replace) {
      history.replaceState(null, "", `#/${address}`);
      this.route();
    } else location.hash = `#/${address}`;
  }

  route() {
    const [name, id] = location.hash.replace(/^#\/?/, "").split("/");
    const key = name in this.views ? name : Object.keys(this.views)[0];
    const view = this.views[key];
    if (!view) return;
    view.element ??= view.make();
    if (this.current !== key) {
      this.current = key;
      document.body.dataset.view = key;
      put(this.main, view.element);
      for (const tab of this.tabs) {
        if (tab.dataset.view === key) tab.setAttribute("aria-current", "page");
        else tab.removeAttribute("aria-current");
      }
    }
    if (key === "problems") this.problems.show(id === undefined ? this.problems.only : decode(id));
  }

  /** Return what a problem or proof opens to; null where another file has it, which is then opened. */
  async detail(at) {
    if (!this.details.has(at)) {
      const element = document.getElementById(`detail-${at}`);
      if (!element) {
        const { ends, files } = this.data.parts;
        location.href = `${encodeURIComponent(files[ends.findIndex((end) => at < end)])}${location.hash}`;
        return null;
      }
      this.details.set(at, await unpack(element.textContent));
    }
    return this.details.get(at);
  }

  skip(event) {
    event.preventDefault();
    this.main.focus();
  }

  onKey(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input:not([type=range]), select, textarea");
    if (typing && event.key !== "Escape") return;
    const search = document.getElementById("search");
    let taken = false;
    if (this.current === "problems") taken = this.problems.onKey(event);
    else if (event.key === "/" && search) {
      search.focus();
      taken = true;
    } else if (event.key === "Escape") {
      document.activeElement?.blur();
      taken = true;
    }
    if (taken) event.preventDefault();
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function unpack(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

new Page(JSON.parse(document.getElementById("data").textContent));
