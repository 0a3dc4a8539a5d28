/** The ticked jobs, and nothing else; where there is no job yet, what to do first. */

import { h, show } from "../lib/dom.js";
import { t } from "../lib/language.js";
import { curves, RETURN } from "./curves.js";
import { store } from "./store.js";
import { metricTiles } from "./tiles.js";

export function comparison() {
  const plot = curves(null);
  const tiles = metricTiles((name) => plot.choose(name));
  tiles.offer([RETURN, "rollout/ep_len_mean", "train/entropy", "train/approx_kl", "group/frac_reward_zero_std", "time/fps"]);
  const element = h("div", { class: "stack" });
  const parts = [
    h(
      "header",
      { class: "view-head" },
      h("div", {}, h("h1", {}, t("compare.title")), h("p", { class: "muted" }, t("compare.hint"))),
    ),
    plot.element,
    tiles.element,
  ];
  const first = welcome();
  const offer = () => {
    const wanted = store.jobs?.length === 0 ? first : parts[0];
    if (!element.contains(wanted)) show(element, wanted === first ? first : parts);
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

/** The first minute: three steps, and the button that begins. */
function welcome() {
  return h(
    "section",
    { class: "panel welcome" },
    h("h1", {}, t("welcome.title")),
    h("p", { class: "muted" }, t("welcome.text")),
    h(
      "ol",
      {},
      ["start", "watch", "play"].map((step) => h("li", {}, h("b", {}, t(`welcome.${step}`)), " ", t(`welcome.${step}.text`))),
    ),
    h("p", {}, h("a", { class: "button primary large", href: "#/new" }, t("welcome.begin"))),
  );
}
