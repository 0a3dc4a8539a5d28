/** A line chart that can be read by mouse, touch and keyboard. */

import { h, oncePerFrame, show, svg, text } from "../lib/dom.js";
import { compact, figure, whole } from "../lib/format.js";
import { language, t } from "../lib/language.js";
import { extent, linear, nearest, path, smooth, ticks } from "./scale.js";

const MARGIN = { top: 14, right: 16, bottom: 40, left: 52 };

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {number} colour 1 … 6, of the style sheet
 * @property {number[]} xs ascending
 * @property {(number|null)[]} ys
 * @property {{x: number, y: number, spread: number, best: boolean}[]} [marks] evaluations
 */

export class LineChart {
  /** @type {Series[]} */
  #series = [];
  #options = { name: "", threshold: null, smoothing: 0 };
  #cursor = null;
  #size = { width: 0, height: 0 };
  #scales = null;
  #drawn = [];
  #canvas;
  #readout;
  #empty;
  #draw;
  #observer;
  #unlisten;

  constructor() {
    this.#canvas = svg("svg", { "aria-hidden": "true", focusable: "false" });
    this.#readout = h("div", { class: "readout", hidden: true });
    this.#empty = h("p", { class: "chart-empty" });
    this.element = h(
      "div",
      { class: "chart", tabindex: "0", role: "slider", "aria-orientation": "horizontal", onkeydown: (e) => this.#key(e) },
      this.#canvas,
      this.#empty,
      this.#readout,
    );
    this.element.addEventListener("pointermove", (e) => this.#point(e));
    this.element.addEventListener("pointerdown", (e) => this.#point(e));
    this.element.addEventListener("pointerleave", () => this.#moveTo(null));
    this.element.addEventListener("blur", () => this.#moveTo(null));
    this.#draw = oncePerFrame(() => this.#render());
    this.#observer = new ResizeObserver(([entry]) => {
      this.#size = entry.contentRect;
      this.#draw();
    });
    this.#observer.observe(this.element);
    this.#unlisten = language.on(() => this.#draw());
  }

  /** @param {Series[]} series @param {{name: string, threshold?: number|null, smoothing?: number, empty?: string}} options */
  set(series, options) {
    this.#series = series;
    this.#options = { threshold: null, smoothing: 0, ...options };
    this.#draw();
  }

  close() {
    this.#observer.disconnect();
    this.#unlisten();
  }

  #render() {
    const { width, height } = this.#size;
    if (width < 80) return;
    const { name, threshold, smoothing, empty } = this.#options;
    const drawn = this.#series.map((series) => ({ ...series, smoothed: smooth(series.ys, smoothing) }));
    const marks = drawn.flatMap((series) => series.marks ?? []);
    const xs = drawn.flatMap((series) => [series.xs[0], series.xs.at(-1)]).concat(marks.map((mark) => mark.x));
    const ys = drawn.flatMap((series) => (smoothing > 0 ? robust(series) : series.ys)).concat(marks.flatMap(reach));
    const known = ys.some((y) => y !== null && y !== undefined);
    text(this.#empty, known ? "" : (empty ?? t("chart.empty")));
    this.element.classList.toggle("without-curve", !known);
    this.#describe(name, xs);
    const [, high] = extent(xs.filter((x) => x !== undefined));
    const [bottom, top] = extent(threshold !== null && known ? [...ys, threshold] : ys);
    const yTicks = ticks(bottom, top, Math.max(3, Math.round(height / 60)));
    const xTicks = ticks(0, high, Math.max(3, Math.round(width / 120))).filter((tick) => tick <= high * 1.001);
    const x = linear([0, high], [MARGIN.left, width - MARGIN.right]);
    const y = linear([yTicks[0], yTicks.at(-1)], [height - MARGIN.bottom, MARGIN.top]);
    this.#scales = { x, y, high };
    this.#canvas.setAttribute("viewBox", `0 0 ${width} ${height}`);
    show(
      this.#canvas,
      yTicks.map((tick) => this.#gridline(y(tick), compact(tick, yTicks.at(-1)), width)),
      xTicks.map((tick) =>
        svg("text", { class: "tick", x: x(tick), y: height - 22, "text-anchor": "middle" }, compact(tick, high)),
      ),
      svg("text", { class: "tick axis", x: width - MARGIN.right, y: height - 5, "text-anchor": "end" }, t("chart.timesteps")),
      threshold !== null && known && this.#threshold(y(threshold), width),
      drawn.map((series) => this.#line(series, x, y, smoothing)),
      drawn.map((series) => this.#way(series, x, y)),
      drawn.flatMap((series) => (series.marks ?? []).map((mark) => this.#mark(mark, series.colour, x, y))),
      svg("line", { class: "cursor", y1: MARGIN.top, y2: height - MARGIN.bottom, visibility: "hidden" }),
    );
    this.#drawn = drawn;
    this.#showCursor();
  }

  #gridline(y, label, width) {
    return svg(
      "g",
      {},
      svg("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }),
      svg("text", { class: "tick", x: MARGIN.left - 8, y: y + 4, "text-anchor": "end" }, label),
    );
  }

  #threshold(y, width) {
    return svg(
      "g",
      { class: "threshold" },
      svg("line", { x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y }),
      svg("text", { class: "tick", x: MARGIN.left + 4, y: y + 14 }, t("chart.threshold")),
    );
  }

  #line(series, x, y, smoothing) {
    return svg(
      "g",
      { class: `series series-${series.colour}`, "data-points": series.xs.length },
      smoothing > 0 && svg("path", { class: "raw", d: path(series.xs, series.ys, x, y) }),
      svg("path", { class: "line", d: path(series.xs, series.smoothed, x, y) }),
      series.xs.length === 1 &&
        series.ys[0] !== null &&
        svg("circle", { class: "dot", cx: x(series.xs[0]), cy: y(series.ys[0]), r: 3 }),
    );
  }

  /** From one evaluation to the next. */
  #way({ marks = [], colour }, x, y) {
    const [xs, ys] = [marks.map((mark) => mark.x), marks.map((mark) => mark.y)];
    return marks.length > 1 && svg("path", { class: `way series-${colour}`, d: path(xs, ys, x, y) });
  }

  #mark(mark, colour, x, y) {
    const [cx, cy] = [x(mark.x), y(mark.y)];
    return svg(
      "g",
      { class: `mark series-${colour}${mark.best ? " best" : ""}` },
      svg("line", { x1: cx, x2: cx, y1: y(mark.y - mark.spread), y2: y(mark.y + mark.spread) }),
      mark.best ? svg("path", { d: star(cx, cy, 7) }) : svg("circle", { cx, cy, r: 4 }),
    );
  }

  #describe(name, xs) {
    const [, high] = extent(xs.filter((x) => x !== undefined));
    const attributes = { "aria-label": t("chart.label", { name }), "aria-valuemin": 0, "aria-valuemax": Math.round(high) };
    for (const [key, value] of Object.entries(attributes)) this.element.setAttribute(key, String(value));
  }

  #point(event) {
    if (!this.#scales) return;
    const box = this.element.getBoundingClientRect();
    const share = (event.clientX - box.left - MARGIN.left) / (box.width - MARGIN.left - MARGIN.right);
    this.#moveTo(Math.min(1, Math.max(0, share)) * this.#scales.high);
  }

  #key(event) {
    const longest = this.#drawn.reduce((best, series) => (series.xs.length > best.length ? series.xs : best), []);
    const moves = {
      ArrowRight: 1,
      ArrowUp: 1,
      ArrowLeft: -1,
      ArrowDown: -1,
      PageUp: 10,
      PageDown: -10,
      Home: -Infinity,
      End: Infinity,
    };
    if (!(event.key in moves) || longest.length === 0) return;
    event.preventDefault();
    const [move, last] = [moves[event.key], longest.length - 1];
    const now = this.#cursor === null && Number.isFinite(move) ? last : nearest(longest, this.#cursor ?? 0) + move;
    this.#moveTo(longest[Math.min(last, Math.max(0, now))]);
  }

  #moveTo(x) {
    this.#cursor = x;
    this.#showCursor();
  }

  #showCursor() {
    const line = this.#canvas.querySelector(".cursor");
    if (!line || !this.#scales) return;
    const rows = this.#cursor === null ? [] : this.#drawn.map((series) => this.#row(series)).filter((row) => row !== null);
    line.setAttribute("visibility", rows.length ? "visible" : "hidden");
    this.#readout.hidden = rows.length === 0;
    const shown = rows[0]?.x ?? this.#drawn[0]?.xs.at(-1) ?? 0;
    this.element.setAttribute("aria-valuenow", String(Math.round(shown)));
    const spoken = rows.length ? rows.map((row) => `${row.label} ${row.said}`).join(", ") : t("chart.hint");
    this.element.setAttribute("aria-valuetext", rows.length ? `${t("chart.step", { n: whole(shown) })}: ${spoken}` : spoken);
    if (!rows.length) return;
    const at = this.#scales.x(rows[0].x);
    line.setAttribute("x1", at);
    line.setAttribute("x2", at);
    show(
      this.#readout,
      h("strong", {}, t("chart.step", { n: whole(rows[0].x) })),
      rows.map((row) =>
        h("span", { class: `row series-${row.colour}` }, h("i", {}), h("span", {}, row.label), h("b", {}, row.said)),
      ),
    );
    const left = at > this.#size.width * 0.6;
    this.#readout.style.setProperty("left", left ? "auto" : `${at + 12}px`);
    this.#readout.style.setProperty("right", left ? `${this.#size.width - at + 12}px` : "auto");
  }

  #row(series) {
    const i = nearest(series.xs, this.#cursor);
    if (i < 0) return null;
    const mark = (series.marks ?? []).find((one) => one.x === series.xs[i]);
    const said =
      figure(series.smoothed[i]) + (mark ? ` · ${t("chart.evaluated")} ${figure(mark.y)} ± ${figure(mark.spread, 3)}` : "");
    return { x: series.xs[i], label: series.label, colour: series.colour, said };
  }
}

const reach = (mark) => [mark.y - mark.spread, mark.y + mark.spread];

/** What must be seen where raw values are only a shade behind the smoothed ones: the smoothed, and the raw but for rare spikes. */
function robust(series) {
  const sorted = series.ys.filter((y) => y !== null).sort((a, b) => a - b);
  const cut = Math.floor(sorted.length * 0.01);
  return [...series.smoothed, ...sorted.slice(cut, sorted.length - cut)];
}

function star(x, y, r) {
  const corner = (i) => {
    const angle = (i * Math.PI) / 5 - Math.PI / 2;
    const length = i % 2 ? r * 0.45 : r;
    return `${(x + length * Math.cos(angle)).toFixed(1)} ${(y + length * Math.sin(angle)).toFixed(1)}`;
  };
  return `M${Array.from({ length: 10 }, (_, i) => corner(i)).join("L")}Z`;
}
