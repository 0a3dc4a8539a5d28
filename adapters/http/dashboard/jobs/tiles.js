/** A tile for each figure: its newest value and shape. The chosen one is drawn large. */

import { h, show, text, uniqueId } from "../lib/dom.js";
import { figure } from "../lib/format.js";
import { t } from "../lib/language.js";
import { sparkline } from "../chart/sparkline.js";
import { metricName, RETURN } from "./curves.js";

const ORDER = [
  RETURN,
  "eval/mean_reward",
  "rollout/ep_len_mean",
  "eval/mean_ep_length",
  "rollout/reward_mean",
  "group/reward_std",
  "group/frac_reward_zero_std",
  "train/entropy",
  "train/approx_kl",
  "train/clip_fraction",
  "train/loss",
  "train/grad_norm",
  "train/learning_rate",
  "time/fps",
];

/** @param {(name: string) => void} choose */
export function metricTiles(choose) {
  const group = uniqueId("metric");
  /** @type {Map<string, {element: HTMLElement, value: HTMLElement, shape: HTMLElement}>} */
  const tiles = new Map();
  const element = h("fieldset", { class: "tiles" }, h("legend", { class: "visually-hidden" }, t("metrics.choose")));

  function tile(name) {
    const value = h("b", {});
    const shape = h("span", { class: "shape" });
    const radio = h("input", { type: "radio", name: group, checked: name === RETURN, onchange: () => choose(name) });
    const label = h(
      "label",
      { class: "tile", title: name },
      radio,
      h("span", { class: "tile-name" }, metricName(name)),
      value,
      shape,
    );
    return { element: label, value, shape };
  }

  /** Make the tiles that are missing; each stands in the order of all. */
  function offer(names) {
    if (names.every((name) => tiles.has(name))) return;
    for (const name of names) if (!tiles.has(name)) tiles.set(name, tile(name));
    const known = [...tiles.keys()];
    const others = known.filter((name) => !ORDER.includes(name)).sort();
    const focused = document.activeElement;
    for (const name of [...ORDER.filter((one) => tiles.has(one)), ...others]) element.append(tiles.get(name).element);
    focused?.focus?.(); // what was moved has lost it
  }

  return {
    element,
    offer,
    /** @param {number[]} timesteps @param {Record<string, (number|null)[]>} metrics */
    update(timesteps, metrics) {
      offer(Object.keys(metrics));
      for (const [name, column] of Object.entries(metrics)) {
        const { value, shape } = tiles.get(name);
        text(value, figure(column.findLast((one) => one !== null) ?? null, 3));
        show(shape, sparkline(timesteps, column));
      }
    },
  };
}
