/** What the policy decides: the probability of each action or the chosen numbers, and the value that it expects. */

import { h, show, text } from "../lib/dom.js";
import { figure, percent } from "../lib/format.js";
import { t } from "../lib/language.js";

const MOST_ACTIONS = 24;

export function decision() {
  const list = h("ul", { class: "probabilities", "aria-label": t("play.actions") });
  const value = h("b", {}, "–");
  const element = h(
    "section",
    { class: "panel decision" },
    h("h2", {}, t("play.actions")),
    list,
    h("p", { class: "value-line" }, h("span", {}, t("play.value")), value),
  );
  let space = null;
  let rows = [];

  function nameOf(i, count, world) {
    if (space.type === "discrete" && world.actions?.length === count) return t(world.actions[i]);
    return space.type === "box" && count === 1 && world.continuous ? t(world.continuous) : t("play.action", { n: i });
  }

  return {
    element,
    /** @param {any} actionSpace of GET /environments @param {{actions: string[]|null, continuous?: string}} world */
    setUp(actionSpace, world) {
      space = actionSpace;
      const count = Math.min(MOST_ACTIONS, space.type === "discrete" ? space.n : space.shape.reduce((all, n) => all * n, 1));
      rows = Array.from({ length: count }, (_, i) => {
        const fill = h("span", { class: "bar-fill" });
        const said = h("b", {});
        return {
          fill,
          said,
          row: h(
            "li",
            {},
            h("span", { class: "action-name" }, nameOf(i, count, world)),
            h("span", { class: "bar-track" }, fill),
            said,
          ),
        };
      });
      show(
        list,
        rows.map((one) => one.row),
      );
    },
    /** @param {{action: any, action_probs: number[]|null, value: number}} step */
    update({ action, action_probs: probabilities, value: expected }) {
      text(value, figure(expected));
      rows.forEach(({ fill, said, row }, i) => {
        if (probabilities) {
          fill.style.setProperty("transform", `scaleX(${probabilities[i]})`);
          text(said, percent(probabilities[i], 1));
          row.classList.toggle("chosen", i === action);
        } else {
          const number = [action].flat(Infinity)[i];
          const [low, high] = [limit(space.low, i) ?? -1, limit(space.high, i) ?? 1];
          const [from, to] = [0, number]
            .map((one) => (Math.min(high, Math.max(low, one)) - low) / (high - low))
            .sort((a, b) => a - b);
          fill.style.setProperty("transform", `translateX(${100 * from}%) scaleX(${Math.max(0.005, to - from)})`);
          text(said, figure(number, 3));
        }
      });
    },
  };
}

const limit = (bounds, i) => (Array.isArray(bounds) ? bounds.flat(Infinity)[i] : bounds);
