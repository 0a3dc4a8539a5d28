/** What the trials gave, over the values of one parameter. */

import { h, svg } from "../lib/dom.js";
import { compact, figure } from "../lib/format.js";
import { t } from "../lib/language.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BASE] = [640, 260, 56, 18, 14, 220];

/**
 * @param {string} name of the parameter
 * @param {any} searched its dimension
 * @param {any[]} trials
 * @param {any} best trial
 */
export function scatter(name, searched, trials, best) {
  const valued = trials.filter((trial) => trial.value !== null);
  if (!valued.length) return h("p", { class: "muted" }, t("sweep.noValues"));
  const across = horizontal(searched);
  const [low, high] = [Math.min(...valued.map((one) => one.value)), Math.max(...valued.map((one) => one.value))];
  const y = (value) => (high === low ? (TOP + BASE) / 2 : BASE - ((value - low) / (high - low)) * (BASE - TOP));
  const dots = valued.map((trial) =>
    svg(
      "circle",
      {
        class: `dot ${trial.status}${trial.number === best?.number ? " best" : ""}`,
        cx: across.x(trial.parameters[name]),
        cy: y(trial.value),
        r: trial.number === best?.number ? 7 : 5,
      },
      svg("title", {}, t("sweep.dot", { number: trial.number, value: figure(trial.value), at: words(trial.parameters[name]) })),
    ),
  );
  const levels = high === low ? [low] : [low, (low + high) / 2, high];
  const lines = levels.map((value) => [
    svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
    svg("text", { class: "tick", x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, compact(value, high)),
  ]);
  const ticks = across.ticks.map(([value, label]) =>
    svg("text", { class: "tick", x: across.x(value), y: BASE + 22, "text-anchor": "middle" }, label),
  );
  const frame = { class: "scatter", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": t("sweep.scatter", { name }) };
  return svg("svg", frame, lines, ticks, dots);
}

/** Places of values: choices side by side, numbers by their size or by their logarithm. */
function horizontal({ type, low, high, log, choices }) {
  const inner = WIDTH - LEFT - RIGHT - 40;
  const at = (share) => LEFT + 20 + share * inner;
  if (type === "categorical") {
    const known = choices.map((choice) => JSON.stringify(choice));
    const x = (value) => at((known.indexOf(JSON.stringify(value)) + 0.5) / known.length);
    return { x, ticks: choices.map((choice) => [choice, words(choice)]) };
  }
  const scale = log ? Math.log : (value) => value;
  const width = scale(high) - scale(low) || 1;
  const middle = log ? Math.sqrt(low * high) : (low + high) / 2;
  const x = (value) => at((scale(value) - scale(low)) / width);
  return { x, ticks: [low, middle, high].map((value) => [value, figure(value, 2)]) };
}

/** A value of a parameter in a few letters. */
export function words(value) {
  return typeof value === "number" ? figure(value, 3) : typeof value === "string" ? value : JSON.stringify(value);
}
