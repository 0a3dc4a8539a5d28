/** How often which return came, as bars. */

import { h, svg } from "../lib/dom.js";
import { compact, figure } from "../lib/format.js";
import { t } from "../lib/language.js";

const WIDTH = 520;
const HEIGHT = 170;
const BASE = HEIGHT - 26;

/** @param {{edges: number[], counts: number[]}} histogram @param {{mean: number, ci95: [number, number]}} statistics */
export function histogram({ edges, counts }, { mean, ci95 }) {
  const most = Math.max(1, ...counts);
  const [low, high] = [edges[0], edges.at(-1)];
  const x = (value) => 10 + ((value - low) / (high - low || 1)) * (WIDTH - 20);
  const bars = counts.map((count, i) =>
    svg(
      "rect",
      {
        class: "bar",
        x: x(edges[i]) + 1,
        width: Math.max(1, x(edges[i + 1]) - x(edges[i]) - 2),
        y: BASE - (count / most) * (BASE - 22),
        height: (count / most) * (BASE - 22),
      },
      svg("title", {}, t("evaluate.bar", { low: figure(edges[i]), high: figure(edges[i + 1]), n: count })),
    ),
  );
  const labels = [low, (low + high) / 2, high].map((value, i) =>
    svg("text", { class: "tick", x: x(value), y: HEIGHT - 8, "text-anchor": ["start", "middle", "end"][i] }, compact(value)),
  );
  const picture = svg(
    "svg",
    { class: "histogram", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": t("evaluate.histogram") },
    svg("line", { class: "grid", x1: 10, x2: WIDTH - 10, y1: BASE, y2: BASE }),
    svg("rect", { class: "interval", x: x(ci95[0]), width: Math.max(1, x(ci95[1]) - x(ci95[0])), y: 14, height: BASE - 14 }),
    bars,
    svg("line", { class: "mean", x1: x(mean), x2: x(mean), y1: 8, y2: BASE }),
    labels,
  );
  return h("div", { class: "histogram-box" }, picture);
}
