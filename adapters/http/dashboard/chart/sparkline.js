/** The shape of a curve in the space of a word. */

import { svg } from "../lib/dom.js";
import { extent, linear, path } from "./scale.js";

const WIDTH = 96;
const HEIGHT = 26;
const MOST_POINTS = 120;

/** @param {number[]} xs @param {(number|null)[]} ys */
export function sparkline(xs, ys) {
  const every = Math.max(1, Math.ceil(xs.length / MOST_POINTS));
  const chosen = (_, i) => i % every === 0 || i === xs.length - 1;
  const [fewXs, fewYs] = [xs.filter(chosen), ys.filter(chosen)];
  const x = linear(extent(fewXs), [1, WIDTH - 1]);
  const y = linear(extent(fewYs), [HEIGHT - 3, 3]);
  return svg(
    "svg",
    { class: "sparkline", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("path", { d: path(fewXs, fewYs, x, y) }),
  );
}
