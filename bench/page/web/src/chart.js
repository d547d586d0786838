// A chart as SVG: lines with bands, or points with bars; its numbers in a table below it.

import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";

import { h, put, s } from "./dom.js";
import { plain } from "./format.js";
import { show } from "./show.js";
import { bisectRight } from "./clock.js";

const HEIGHT = 280;
const MARGIN = { top: 24, right: 16, bottom: 40, left: 44 };
const COLOURS = 8;
const BANDED = 3; // series up to which every band is drawn; of more, that of the one looked at

/** Return a chart that fills the width it is given. */
export function chart(data) {
  const hidden = new Set();
  let looked = data.series.length > BANDED ? best(data.series) : null;
  const plot = h("div", { class: "plot" });
  const legend = h("div", { class: "legend" });
  const figure = h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, show(data.title)),
    plot,
    legend,
    data.note ? h("p", { class: "note" }, show(data.note)) : null,
    numbers(data),
  );
  const entries = data.series.map((series, at) => {
    const value = h("span", { class: "legend-value" });
    const button = h(
      "button",
      {
        type: "button",
        class: "legend-entry",
        "aria-pressed": "true",
        onclick: () => {
          if (!hidden.delete(at)) hidden.add(at);
          button.setAttribute("aria-pressed", String(!hidden.has(at)));
          draw();
        },
        onpointerenter: () => look(at),
        onfocus: () => look(at),
      },
      s("svg", { class: "swatch", viewBox: "0 0 22 8", "aria-hidden": "true" }, s("line", { class: lineClass(series, at), x1: 1, x2: 21, y1: 4, y2: 4 })),
      h("span", {}, show(series.name)),
      value,
    );
    return { button, value };
  });
  put(legend, entries.map((entry) => entry.button));

  let width = 0;
  function draw() {
    if (width) put(plot, drawing(data, width, { hidden, looked, entries }));
  }
  function look(at) {
    if (data.series.length <= BANDED || looked === at) return;
    looked = at;
    draw();
  }
  new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now !== width) {
      width = now;
      draw();
    }
  }).observe(plot);
  return figure;
}

function lineClass(series, at) {
  return `line colour-${at % COLOURS}${series.dashed || at >= COLOURS ? " dashed" : ""}`;
}

/** Return the place of the series that ends highest. */
function best(series) {
  const ends = series.map(({ points, dashed }) => (dashed ? -Infinity : points.at(-1)?.[1] ?? -Infinity));
  return ends.indexOf(Math.max(...ends));
}

function drawing(data, width, { hidden, looked, entries }) {
  const shown = data.series.map((series, at) => ({ series, at })).filter(({ at }) => !hidden.has(at));
  const points = shown.flatMap(({ series }) => series.points);
  const x = scaleLinear(extent(points.map((p) => p[0]), data), [MARGIN.left, width - MARGIN.right]);
  const y = scaleLinear(range(points, data), [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const cursor = s("line", { class: "cursor", y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom, visibility: "hidden" });
  const picture = s(
    "svg",
    { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `${data.title}; the numbers are in the table below` },
    axes(data, x, y, width),
    data.diagonal ? s("line", { class: "diagonal", x1: x(x.domain()[0]), y1: y(x.domain()[0]), x2: x(x.domain()[1]), y2: y(x.domain()[1]) }) : null,
    data.dots ? null : shown.filter(({ at }) => looked === null || at === looked).map(({ series, at }) => band(series, at, x, y)),
    data.diagonal ? null : shown.map(({ series, at }) => s("path", { class: `${lineClass(series, at)}${at === looked ? " looked-at" : ""}`, d: line((p) => x(p[0]), (p) => y(p[1]))(series.points) })),
    data.dots ? shown.map(({ series, at }) => marks(series, at, shown.length, x, y)) : null,
    cursor,
  );
  picture.addEventListener("pointermove", (event) => {
    const at = x.invert(event.clientX - picture.getBoundingClientRect().left);
    const nearest = near(points.map((p) => p[0]), at);
    if (nearest === null) return;
    cursor.setAttribute("x1", x(nearest));
    cursor.setAttribute("x2", x(nearest));
    cursor.setAttribute("visibility", "visible");
    data.series.forEach((series, place) => put(entries[place].value, valueAt(series, nearest)));
  });
  picture.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    for (const entry of entries) put(entry.value);
  });
  return picture;
}

function extent(values, data) {
  if (!values.length) return [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (data.dots && !data.diagonal) return [low - 0.2, high + 0.2];
  if (data.diagonal) return [Math.max(0, low - 3), Math.min(100, high + 3)];
  return [low === 1 ? 1 : 0, high === low ? low + 1 : high];
}

function range(points, data) {
  const ends = points.flatMap((p) => [p[1], p[2] ?? p[1], p[3] ?? p[1]]);
  if (!ends.length) return [0, 1];
  const high = Math.max(...ends);
  if (!data.percent) return [0, high * 1.05 || 1];
  return [0, Math.min(100, Math.ceil((high + 2) / 10) * 10)];
}

function axes(data, x, y, width) {
  const whole = (value) => !data.dots || data.diagonal || Number.isInteger(value);
  const across = x.ticks(Math.max(2, Math.floor(width / 90))).filter(whole);
  const bottom = HEIGHT - MARGIN.bottom;
  return [
    y.ticks(5).map((value) => [
      s("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(value), y2: y(value) }),
      s("text", { class: "tick", x: MARGIN.left - 6, y: y(value) + 4, "text-anchor": "end" }, plain(value)),
    ]),
    across.map((value) => s("text", { class: "tick", x: x(value), y: bottom + 16, "text-anchor": "middle" }, plain(value))),
    s("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: bottom, y2: bottom }),
    s("text", { class: "axis-name", x: width - MARGIN.right, y: HEIGHT - 6, "text-anchor": "end" }, data.x),
    s("text", { class: "axis-name", x: 4, y: 12 }, data.y),
  ];
}

function band(series, at, x, y) {
  const known = series.points.filter((p) => p[2] !== null && p[3] !== null);
  if (known.length < 2) return null;
  return s("path", { class: `band colour-${at % COLOURS}`, d: area((p) => x(p[0]), (p) => y(p[2]), (p) => y(p[3]))(known) });
}

function marks(series, at, many, x, y) {
  const beside = Math.max(-9, Math.min(9, 3 * (at - (many - 1) / 2))); // bars side by side
  return series.points.map(([place, value, low, high]) => [
    low === null ? null : s("line", { class: `bar colour-${at % COLOURS}`, x1: x(place) + beside, x2: x(place) + beside, y1: y(low), y2: y(high) }),
    s("circle", { class: `mark colour-${at % COLOURS}`, cx: x(place) + (low === null ? 0 : beside), cy: y(value), r: 3.5 }),
  ]);
}

function near(places, at) {
  let best = null;
  for (const place of places) if (best === null || Math.abs(place - at) < Math.abs(best - at)) best = place;
  return best;
}

function valueAt(series, place) {
  const found = series.points[bisectRight(series.points.map((p) => p[0]), place) - 1];
  return found ? plain(Number(found[1].toFixed(1))) : "";
}

function numbers(data) {
  const places = [...new Set(data.series.flatMap((series) => series.points.map((p) => p[0])))].sort((a, b) => a - b);
  const body = h("div", { class: "scroll", tabindex: 0 });
  const details = h("details", { class: "numbers" }, h("summary", {}, "Numbers"), body);
  details.addEventListener(
    "toggle",
    () =>
      put(
        body,
        h(
          "table",
          { class: "grid-table" },
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, data.x), data.series.map((series) => h("th", { scope: "col" }, show(series.name))))),
          h(
            "tbody",
            {},
            places.map((place) =>
              h("tr", {}, h("th", { scope: "row" }, plain(place)), data.series.map((series) => h("td", {}, cell(series.points.find((p) => p[0] === place))))),
            ),
          ),
        ),
      ),
    { once: true },
  );
  return details;
}

function cell(point) {
  if (!point) return "";
  const [, value, low, high] = point;
  const text = value.toFixed(value < 10 ? 2 : 1);
  return low === null ? text : `${text} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}
