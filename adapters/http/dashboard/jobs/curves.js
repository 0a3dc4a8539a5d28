/** One plot for several jobs: the open one follows its events, the others are read again while they train. */

import { get, path } from "../lib/api.js";
import { connection } from "../lib/connection.js";
import { h, show } from "../lib/dom.js";
import { t } from "../lib/language.js";
import { complain } from "../lib/notice.js";
import { LineChart } from "../chart/line_chart.js";
import { environmentOf } from "../models/environments.js";
import { hasEnded, store } from "./store.js";

export const RETURN = "rollout/ep_rew_mean";
const AGAIN_MILLISECONDS = 2_000;
const COLOURS = 6;

let smoothing = 0;

/**
 * @param {import("./history.js").JobHistory|null} open
 */
export function curves(open) {
  const chart = new LineChart();
  const legend = h("ul", { class: "legend", "aria-label": t("compare.legend") });
  const slider = h("input", {
    type: "range",
    min: "0",
    max: "0.95",
    step: "0.05",
    value: String(smoothing),
    "aria-label": t("chart.smoothing"),
    oninput: () => {
      smoothing = Number(slider.value);
      render();
    },
  });
  const title = h("h2", {});
  const element = h(
    "section",
    { class: "panel chart-panel" },
    h("div", { class: "chart-head" }, title, h("label", { class: "smoothing" }, h("span", {}, t("chart.smoothing")), slider)),
    chart.element,
    legend,
  );
  /** Histories of the other jobs. @type {Map<string, any>} */
  const others = new Map();
  /** A job keeps its colour while it is here. @type {Map<string, number>} */
  const colours = new Map();
  const hidden = new Set();
  let metric = RETURN;
  let threshold = null;
  let legendState = "";
  let closed = false;

  if (open) colours.set(open.id, 1);

  function render() {
    const shown = [open, ...others.values()].filter((one) => one && !hidden.has(one.id));
    show(title, metricName(metric));
    chart.set(
      shown.map((one) => ({
        label: nameOf(one.id),
        colour: colours.get(one.id),
        // Copies, since the chart draws with the next frame, when the history may have grown.
        xs: [...one.timesteps],
        ys: one.timesteps.map((_, i) => one.metrics[metric]?.[i] ?? null),
        marks: metric === RETURN ? marksOf(one.evaluations) : [],
      })),
      {
        name: metricName(metric),
        smoothing,
        threshold: metric === RETURN ? threshold : null,
        empty: t(whyEmpty()),
      },
    );
    renderLegend();
  }

  function whyEmpty() {
    if (!open) return "compare.hint";
    if (!open.status) return "loading";
    return hasEnded(open.status.status) ? "chart.none" : "chart.empty";
  }

  function renderLegend() {
    const all = [open, ...others.values()].filter(Boolean);
    const state = all.map((one) => `${one.id} ${nameOf(one.id)} ${hidden.has(one.id)}`).join();
    if (state === legendState) return; // it has the focus, perhaps
    legendState = state;
    legend.hidden = all.length < 2 && Boolean(open);
    show(legend, all.map(legendEntry));
  }

  function legendEntry(one) {
    const box = h("input", {
      type: "checkbox",
      checked: !hidden.has(one.id),
      "data-job": one.id,
      onchange: () => {
        if (box.checked) hidden.delete(one.id);
        else hidden.add(one.id);
        legendState = "";
        render();
        legend.querySelector(`[data-job="${one.id}"]`)?.focus();
      },
    });
    return h("li", { class: `series-${colours.get(one.id)}` }, h("label", {}, box, h("i", {}), nameOf(one.id)));
  }

  async function read(id) {
    const answer = await get(path`training/${id}/metrics?max_points=1000`);
    if (closed || !store.compared.includes(id)) return;
    if (!colours.has(id)) colours.set(id, freeColour(colours, [open?.id, ...store.compared]));
    others.set(id, { id, ...answer });
    render();
  }

  function follow() {
    const wanted = store.compared.filter((id) => id !== open?.id);
    for (const id of [...others.keys()]) if (!wanted.includes(id)) others.delete(id);
    for (const id of wanted) if (!others.has(id)) read(id).catch(complain);
    render();
  }

  function nameOf(id) {
    const job = id === open?.id ? open.status : store.find(id);
    return job?.model_name ?? id.slice(0, 8);
  }

  const timer = setInterval(() => {
    if (connection.lost) return;
    for (const [id, one] of others) if (!hasEnded(one.status) && !document.hidden) read(id).catch(() => {});
  }, AGAIN_MILLISECONDS);
  let compared = store.compared;
  const ends = [
    store.on(() => {
      if (store.compared !== compared) {
        compared = store.compared;
        follow();
      } else renderLegend();
    }),
  ];
  follow();
  return {
    element,
    render,
    choose(name) {
      metric = name;
      render();
    },
    async knowEnvironment(envName) {
      threshold = (await environmentOf(envName).catch(() => null))?.reward_threshold ?? null;
      render();
    },
    close() {
      closed = true;
      clearInterval(timer);
      chart.close();
      ends.forEach((end) => end());
    },
  };
}

/** Each evaluation was the best when it came or not; of those the last one is the best of all. */
function marksOf(evaluations) {
  const best = evaluations.findLast((one) => one.best);
  return evaluations.map((one) => ({ x: one.timesteps, y: one.mean_reward, spread: one.std_reward, best: one === best }));
}

function freeColour(colours, ids) {
  const taken = new Set(ids.map((id) => colours.get(id)));
  for (const id of [...colours.keys()]) if (!ids.includes(id)) colours.delete(id);
  return Array.from({ length: COLOURS }, (_, i) => i + 1).find((colour) => !taken.has(colour)) ?? COLOURS;
}

/** What a figure is called for people; its name where nobody translated it. */
export function metricName(name) {
  const known = t(`metric.${name}`);
  return known.startsWith("metric.") ? name : known;
}
