/** The ticked jobs, and nothing else. */

import { h } from "../lib/dom.js";
import { t } from "../lib/language.js";
import { curves, RETURN } from "./curves.js";
import { store } from "./store.js";
import { metricTiles } from "./tiles.js";

export function comparison() {
  const plot = curves(null);
  const tiles = metricTiles((name) => plot.choose(name));
  tiles.offer([RETURN, "rollout/ep_len_mean", "train/entropy", "train/approx_kl", "group/frac_reward_zero_std", "time/fps"]);
  const element = h(
    "div",
    { class: "stack" },
    h(
      "header",
      { class: "view-head" },
      h("div", {}, h("h1", {}, t("compare.title")), h("p", { class: "muted" }, t("compare.hint"))),
    ),
    plot.element,
    tiles.element,
  );
  const offer = () => {
    tiles.element.hidden = store.compared.length === 0;
  };
  const end = store.on(offer);
  offer();
  return {
    element,
    close() {
      end();
      plot.close();
    },
  };
}
