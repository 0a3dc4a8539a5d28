/** One job: how it goes, its curves, why they are flat, what happened, and what can be done about it. */

import { h, oncePerFrame, show, text } from "../lib/dom.js";
import { duration, figure, percent, whole } from "../lib/format.js";
import { t, tOr } from "../lib/language.js";
import { complain, sentence } from "../lib/notice.js";
import { progressBar } from "../lib/progress.js";
import { jobActions } from "./actions.js";
import { curves, RETURN } from "./curves.js";
import { JobHistory } from "./history.js";
import { badge } from "./list.js";
import { logPanel } from "./log.js";
import { hasEnded, store } from "./store.js";
import { metricTiles } from "./tiles.js";

/** @param {string} id */
export function jobView(id) {
  const history = new JobHistory(id);
  const plot = curves(history);
  const tiles = metricTiles((name) => plot.choose(name));
  tiles.offer([RETURN]);
  const actions = jobActions(history, again);
  const log = logPanel();
  const heading = h("h1", {}, id.slice(0, 8));
  const state = h("span", { class: "state" });
  const subtitle = h("p", { class: "muted" });
  const facts = h("dl", { class: "facts" });
  const progress = progressBar();
  const reason = h("div", { class: "stack tight" });
  const element = h(
    "article",
    { class: "stack" },
    h(
      "header",
      { class: "view-head" },
      h("div", { class: "grow" }, h("div", { class: "heading-line" }, heading, state), subtitle),
      actions.element,
    ),
    h("section", { class: "panel progress-panel" }, progress.element, facts),
    reason,
    plot.element,
    tiles.element,
    log.element,
  );
  let told = "";
  let drawnLog = null;
  let drawnFigures = "";

  const render = oncePerFrame(() => {
    const { status } = history;
    if (!status) return;
    if (heading.textContent !== status.model_name) {
      text(heading, status.model_name);
      element.dispatchEvent(new Event("titled", { bubbles: true }));
    }
    if (state.firstChild?.textContent !== t(`status.${status.status}`)) show(state, badge(status.status));
    show(subtitle, `${status.env_name} · `, h("code", { title: status.job_id }, status.job_id.slice(0, 8)));
    progress.set(status.progress);
    showFacts(status);
    showReason(status);
    actions.update();
    if (drawnLog !== history.log) log.update((drawnLog = history.log));
    const figures = `${history.changes} ${status.status}`;
    if (drawnFigures !== figures) {
      plot.render();
      plot.element.dataset.newest = history.newest;
      tiles.update(history.timesteps, history.metrics);
      drawnFigures = figures;
    }
    if (hasEnded(status.status) && told !== status.status) store.refresh();
    told = status.status;
  });

  function showFacts(status) {
    const newest =
      history.metrics["rollout/ep_rew_mean"]?.findLast((one) => one !== null) ?? status.metrics["rollout/ep_rew_mean"];
    const best = history.evaluations.findLast((one) => one.best);
    const running = !hasEnded(status.status);
    const spent =
      status.start_time && status.end_time ? (Date.parse(status.end_time) - Date.parse(status.start_time)) / 1000 : null;
    const entries = [
      [t("job.steps"), `${whole(status.current_timesteps)} / ${whole(status.total_timesteps)}`, percent(status.progress)],
      [t("metric.rollout/ep_rew_mean"), figure(newest ?? null), ""],
      best && [
        t("job.best"),
        `${figure(best.mean_reward)} ± ${figure(best.std_reward, 3)}`,
        t("job.at", { n: whole(best.timesteps) }),
      ],
      running
        ? [t("job.speed"), history.fps ? whole(history.fps) : "–", t("job.perSecond")]
        : [t("job.took"), duration(spent), ""],
      running && [t("job.left"), duration(history.eta), ""],
    ].filter(Boolean);
    while (facts.children.length > entries.length) facts.lastChild.remove();
    entries.forEach(([name, value, unit], i) => {
      const kept = facts.children[i] ?? facts.appendChild(h("div", {}, h("dt", {}), h("dd", {}, h("b", {}), h("small", {}))));
      text(kept.querySelector("dt"), name);
      text(kept.querySelector("b"), value);
      text(kept.querySelector("small"), unit);
    });
  }

  function showReason(status) {
    const rows = history.diagnosis.map(({ code, message }) => [tOr(`diagnosis.${code}`, message), "warn", code]);
    if (status.status === "failed")
      rows.unshift([status.error_message ?? t("job.failed"), "error", status.error_code ?? "failed"]);
    if (status.status === "queued") rows.unshift([[t("job.queued"), status.waiting_reason].filter(Boolean).join(" "), "info", "queued"]);
    const key = rows.map((row) => row[0]).join("\n");
    if (reason.dataset.shown === key) return;
    reason.dataset.shown = key;
    show(
      reason,
      rows.map(([said, kind, code]) => h("p", { class: `callout ${kind}`, "data-code": code, role: "note" }, said)),
    );
  }

  /** The job goes on: so do its events, from the last one that is known. */
  function again() {
    history.status.status = "queued";
    store.refresh();
    history.listen();
    render();
  }

  history.on(render);
  history
    .follow()
    .then(() => plot.knowEnvironment(history.status.env_name))
    .catch((error) => {
      complain(error);
      if (error.status) show(element, h("p", { class: "callout error" }, sentence(error)));
    });
  return {
    element,
    title: () => history.status?.model_name ?? t("nav.jobs"),
    close() {
      history.close();
      plot.close();
    },
  };
}
